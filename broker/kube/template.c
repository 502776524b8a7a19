/* Sets of manifests: read once from k8s/<set>/NN-name.yaml, rendered in file order. */
#include "kube/template.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "kube/template_internal.h"

#include <string.h>
#include <sys/stat.h>

typedef struct TemplateFile {
    char *set;
    char *path; /* as the operator named it; for errors */
    json_t *tree;
} TemplateFile;

struct Templates {
    char *folder;
    TemplateFile *files;
    size_t count;
};

Templates *templates_free(Templates *t)
{
    if (!t)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        free(t->files[i].set);
        free(t->files[i].path);
        json_decref(t->files[i].tree);
    }
    free(t->files);
    free(t->folder);
    free(t);
    return NULL;
}

static bool load_file(Templates *t, const char *set, const char *path, Error *err)
{
    CLEANUP_JSON json_t *tree = NULL;
    if (!yaml_load(path, &tree, err) || !template_manifest_check(path, tree, err))
        return false;
    t->files = xrealloc(t->files, (t->count + 1) * sizeof(*t->files));
    t->files[t->count++] = (TemplateFile){xstrdup(set), xstrdup(path), TAKE(tree)};
    return true;
}

static bool load_set(Templates *t, const char *set, Error *err)
{
    CLEANUP(strings_free) char **names = NULL;
    CLEANUP_FREE char *folder = xasprintf("%s/%s", t->folder, set);
    struct stat st;
    if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
        return true; /* a file beside the sets is none of them */
    if (!file_list(folder, ".yaml", &names, err))
        return false;
    for (char **name = names; *name; name++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", folder, *name);
        if (!load_file(t, set, path, err))
            return false;
    }
    return true;
}

bool templates_load(const char *folder, Templates **ret, Error *err)
{
    CLEANUP(templates_free) Templates *t = xcalloc(1, sizeof(*t));
    CLEANUP(strings_free) char **sets = NULL;
    Error fault = {0};
    t->folder = xstrdup(folder);
    if (!file_list(folder, "", &sets, &fault))
        return error_set(err, ERR_INVALID, "manifests: %s", fault.text);
    for (char **set = sets; *set; set++)
        if (!load_set(t, *set, &fault))
            return error_set(err, ERR_INVALID, "%s", fault.text);
    if (!t->count)
        return error_set(err, ERR_INVALID, "manifests: no file like %s/SET/10-name.yaml", folder);
    *ret = TAKE(t);
    return true;
}

static bool kind_wanted(const json_t *tree, const char *const *kinds)
{
    const char *kind = json_string_at(tree, "kind", "");
    for (const char *const *k = kinds; k && *k; k++)
        if (strcmp(*k, kind) == 0)
            return true;
    return kinds == NULL;
}

bool template_render(const Templates *t, const char *set, const char *const *kinds, const json_t *values, json_t **ret,
                     Error *err)
{
    CLEANUP_JSON json_t *out = json_array();
    bool known = false;
    for (size_t i = 0; i < t->count; i++) {
        const TemplateFile *f = &t->files[i];
        if (strcmp(f->set, set) != 0)
            continue;
        known = true;
        const TemplateScope scope = {f->path, values};
        if (kind_wanted(f->tree, kinds) && !template_manifest_render(&scope, f->tree, out, err))
            return false;
    }
    if (!known)
        return error_set(err, ERR_INVALID, "no set of manifests %s/%s", t->folder, set);
    *ret = TAKE(out);
    return true;
}

bool template_value(const json_t *tree, const json_t *values, json_t **ret, Error *err)
{
    const TemplateScope scope = {"template", values};
    CLEANUP_JSON json_t *out = NULL;
    if (json_is_object(tree) && json_object_get(tree, "kind")) {
        out = json_array();
        if (!template_manifest_check(scope.file, tree, err) || !template_manifest_render(&scope, tree, out, err))
            return false;
    } else {
        if (!template_tree_check(scope.file, NULL, tree, err) || !template_tree_render(&scope, NULL, tree, &out, err))
            return false;
        if (!out)
            out = json_null();
    }
    *ret = TAKE(out);
    return true;
}
