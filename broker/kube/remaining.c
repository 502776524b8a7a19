/* What holds a namespace, or another thing, that is being deleted: objects whose finalizers nobody has removed. */
#include "kube/object.h"
#include "kube/remaining.h"
#include "kube/request.h"

#include "base/mem.h"

#include <string.h>

#define HOLDERS_TOLD 3

static void append_holder(const json_t *object, Str *out)
{
    json_t *finalizers = json_at(object, "metadata.finalizers"), *finalizer;
    size_t i;
    str_appendf(out, "%s/%s", json_string_at(object, "kind", "?"), json_string_at(object, "metadata.name", "?"));
    json_array_foreach(finalizers, i, finalizer)
        str_appendf(out, "%s%s", i ? ", " : json_array_size(finalizers) > 1 ? " (finalizers " : " (finalizer ", json_string_value(finalizer));
    if (i)
        str_append_char(out, ')');
}

void holders_append(const json_t *objects, Str *out)
{
    size_t i, told = 0;
    json_t *object;
    json_array_foreach((json_t *)objects, i, object)
    {
        if (!json_at(object, "metadata.deletionTimestamp") || !json_array_size(json_at(object, "metadata.finalizers")))
            continue;
        if (++told <= HOLDERS_TOLD) {
            str_append(out, told == 1 ? "; held by " : ", ");
            append_holder(object, out);
        }
    }
    if (told > HOLDERS_TOLD)
        str_appendf(out, " and %zu more", told - HOLDERS_TOLD);
}

/* Path of a namespaced collection: "widgets" of group "example.com" in the version that the API prefers; the group "" is the core. */
static bool collection_path(Kube *kube, const char *group, const char *plural, const char *ns, char **ret, Error *err)
{
    CLEANUP_FREE char *g = url_encode(group), *p = url_encode(plural), *n = url_encode(ns);
    if (!*group) {
        *ret = xasprintf("/api/v1/namespaces/%s/%s", n, p);
        return true;
    }
    CLEANUP_JSON json_t *found = NULL;
    CLEANUP_FREE char *path = xasprintf("/apis/%s", g);
    const KubeCall call = {.verb = "discover an API group", .method = "GET", .path = path};
    if (!kube_call(kube, &call, &found, err))
        return false;
    CLEANUP_FREE char *version = url_encode(json_string_at(found, "preferredVersion.version", ""));
    *ret = xasprintf("/apis/%s/%s/namespaces/%s/%s", g, version, n, p);
    return true;
}

/* Adds the objects of one resource to `all`. Items of a list come without kind: it is the list's without "List". */
static bool add_objects(Kube *kube, const char *resource, const char *ns, json_t *all, Error *err)
{
    const char *dot = strchr(resource, '.');
    CLEANUP_FREE char *plural = xasprintf("%.*s", (int)(dot ? dot - resource : (ptrdiff_t)strlen(resource)), resource), *path = NULL;
    CLEANUP_JSON json_t *list = NULL;
    if (!collection_path(kube, dot ? dot + 1 : "", plural, ns, &path, err))
        return false;
    CLEANUP_FREE char *limited = xasprintf("%s?limit=20", path);
    const KubeCall call = {.verb = "list", .kind = plural, .ns = ns, .method = "GET", .path = limited};
    if (!kube_call(kube, &call, &list, err))
        return false;
    const char *kind = json_string_at(list, "kind", "");
    size_t i, n = strlen(kind), cut = n > 4 && strcmp(kind + n - 4, "List") == 0 ? n - 4 : n;
    json_t *item;
    json_array_foreach(json_object_get(list, "items"), i, item)
    {
        json_object_set_new(item, "kind", json_stringn(kind, cut));
        json_array_append(all, item);
    }
    return true;
}

/* The condition's words, such as "Some resources are remaining: configmaps. has 1 resource instances, widgets.example.com has 2 resource instances". */
static const char *content_remaining(const json_t *ns)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_at(ns, "status.conditions"), i, c)
    {
        if (strcmp(json_string_at(c, "type", ""), "NamespaceContentRemaining") == 0 &&
            strcmp(json_string_at(c, "status", ""), "True") == 0)
            return strstr(json_string_at(c, "message", ""), ": ");
    }
    return NULL;
}

bool namespace_holders(Kube *kube, const json_t *ns, Str *out, Error *err)
{
    CLEANUP_JSON json_t *all = json_array();
    const char *words = content_remaining(ns);
    CLEANUP_FREE char *copy = xstrdup(words ? words + 2 : "");
    char *rest = copy;
    for (char *one; (one = strsep(&rest, ","));) {
        one += strspn(one, " ");
        char *end = strstr(one, " has ");
        if (!end)
            continue;
        *end = '\0';
        if (!add_objects(kube, one, json_string_at(ns, "metadata.name", ""), all, err) && err->kind == ERR_RETRY)
            return false;
    }
    holders_append(all, out);
    return true;
}
