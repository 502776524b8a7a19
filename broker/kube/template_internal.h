/* What the parts of the template engine share: where a node stands, what a rendering sees. Internal to kube/template*.c. */
#ifndef KUBE_TEMPLATE_INTERNAL_H
#define KUBE_TEMPLATE_INTERNAL_H

#include "base/json.h"
#include "base/str.h"

/* What one rendering sees. Both borrowed. */
typedef struct TemplateScope {
    const char *file; /* named in errors */
    const json_t *values;
} TemplateScope;

/* A node's place in its tree, as a list from the node up; `key` NULL means the element `index` of a list. */
typedef struct NodePath {
    const struct NodePath *up;
    const char *key;
    size_t index;
} NodePath;

/* Sets ERR_INVALID "FILE: NODE: fault". Returns false. */
bool template_fault(const char *file, const NodePath *at, Error *err, const char *format, ...) PRINTF_LIKE(4, 5);

/* Syntax of one string: every "${" is ${path}, the whole ${{path}} or ${{path?}}, or escaped as "$${". */
MUST_CHECK bool template_string_check(const char *file, const NodePath *at, const char *text, Error *err);
/* Value of one string; *ret = NULL when it is an optional whole value that is absent. */
MUST_CHECK bool template_string_render(const TemplateScope *scope, const NodePath *at, const char *text, json_t **ret,
                                       Error *err);
/* Text of one key (insertions only, no whole values). The caller frees. */
MUST_CHECK bool template_key_render(const TemplateScope *scope, const NodePath *at, const char *key, char **ret, Error *err);
/* Whether a string uses `each`, `each.…` or `index`. */
bool template_uses_each(const char *text);
/* Same for a bare path. */
bool template_path_is_each(const char *path);

/* The value at a dotted path (numbers select list elements); NULL when absent or null. Borrowed. */
const json_t *template_lookup(const json_t *values, const char *path);

/* template_string_check for all keys and strings of a tree. */
MUST_CHECK bool template_tree_check(const char *file, const NodePath *at, const json_t *node, Error *err);
/* Renders a tree without regard to its kind; *ret = NULL when the node itself is an absent optional value. */
MUST_CHECK bool template_tree_render(const TemplateScope *scope, const NodePath *at, const json_t *node, json_t **ret,
                                     Error *err);

/* `values` with `each` = the element and `index` = its number. New reference. */
json_t *template_each_values(const json_t *values, const json_t *element, size_t index);

/* What a manifest must have: kind, apiVersion, metadata.name, known cpbroker/ annotations, sound strings. */
MUST_CHECK bool template_manifest_check(const char *file, const json_t *tree, Error *err);
/* Appends the objects that one manifest renders to (none, one or, with cpbroker/each, several). */
MUST_CHECK bool template_manifest_render(const TemplateScope *scope, const json_t *tree, json_t *out, Error *err);
/* Renders the mapping `node` (a ConfigMap's or Secret's data) so that each entry is a string; `each` (NULL = none) repeats keys that use it. */
MUST_CHECK bool template_data_render(const TemplateScope *scope, const NodePath *at, const json_t *node,
                                     const json_t *each, json_t **ret, Error *err);

#endif
