/* Manifests: YAML trees below k8s/, rendered node by node with values, never pasted text. */
#ifndef KUBE_TEMPLATE_H
#define KUBE_TEMPLATE_H

#include "base/json.h"

/* All sets of a folder (k8s/<set>/NN-name.yaml), parsed once; immutable. */
typedef struct Templates Templates;

/* false: ERR_INVALID naming file and fault (no kind, unknown ${…} syntax). */
MUST_CHECK bool templates_load(const char *folder, Templates **ret, Error *err);
Templates *templates_free(Templates *t);
DEFINE_CLEANUP(Templates *, templates_free)

/*
 * Renders one set in file order into a JSON array of objects. `kinds` (NULL-terminated) keeps only these kinds; NULL keeps all.
 *
 * In strings "${a.b}" inserts the value at that path of `values` (string, integer or boolean); a string that is exactly "${{a.b}}" becomes the
 * whole value (a null or absent optional one written "${{a.b?}}" removes its key or list entry). "$${" is a literal "${".
 * Metadata annotations that the renderer consumes (and removes):
 *   cpbroker/when: "path"            left out unless the value at path is true (or a non-empty string, or non-zero); "!path" negates
 *   cpbroker/each: "path"            repeated for each element of the array at path, which the values see as `each` (and `index`, from 0)
 * Keys that contain "${" are rendered too; in `data` and `stringData` with annotation cpbroker/each-key: "path" such keys (only the ones that use
 * each. or index) are repeated for each element. A mapping as a value of a ConfigMap's `data` or Secret's `stringData` becomes the text of a Java
 * properties file, one `key=value` line per entry in order (values escaped as java.util.Properties.load reads them; null entries left out).
 * Secret `stringData` is rendered into base64 `data` (apply stays idempotent).
 * false: ERR_INVALID naming file, node path and the missing value.
 */
MUST_CHECK bool template_render(const Templates *t, const char *set, const char *const *kinds, const json_t *values,
                                json_t **ret, Error *err);

/*
 * As template_render, for a tree at hand (tests, plans): a manifest (it has `kind`) gives the array of its objects, any other tree its
 * rendered value (JSON null if that is an absent optional one).
 */
MUST_CHECK bool template_value(const json_t *tree, const json_t *values, json_t **ret, Error *err);

#endif
