/* Reads and writes of objects: get, list, apply, delete. */
#include "kube/kube.h"

#include "base/mem.h"
#include "kube/object.h"
#include "kube/request.h"

#include <string.h>

#define PAGE_SIZE 500
#define LIST_MAX ((size_t)64 << 20)
#define LIST_RESTARTS 3

/* Path of what `ref` names; `named` tells whether it must have a name. The caller frees. */
static bool path_of(const KubeRef *ref, bool named, char **ret, Error *err)
{
    char *path = object_path(ref->kind, ref->ns, named ? ref->name : NULL);
    if (!path || (named && (!ref->name || !*ref->name))) {
        free(path);
        return error_set(err, ERR_INVALID, "%s %s: %s", ref->kind ? ref->kind : "(no kind)", ref->name ? ref->name : "(no name)",
                         object_api_version(ref->kind) ? "needs a name, and a namespace if it lives in one" : "unknown kind");
    }
    *ret = path;
    return true;
}

bool kube_get(Kube *kube, const KubeRef *ref, json_t **ret, Error *err)
{
    CLEANUP_FREE char *path = NULL;
    if (!path_of(ref, true, &path, err))
        return false;
    const KubeCall call = {.verb = "get", .kind = ref->kind, .ns = ref->ns, .name = ref->name, .method = "GET", .path = path};
    return kube_call(kube, &call, ret, err);
}

/* Moves the items of one page to `all`; items of a list come without kind and apiVersion. */
static void take_items(const char *kind, const json_t *page, json_t *all)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(page, "items"), i, item)
    {
        json_object_set_new(item, "kind", json_string(kind));
        json_object_set_new(item, "apiVersion", json_string(object_api_version(kind)));
        json_array_append(all, item);
    }
}

/* All pages of a list from its start. `filter` is "&name=value" or "". */
static bool list_once(Kube *kube, const KubeRef *ref, const char *filter, json_t **ret, Error *err)
{
    CLEANUP_FREE char *path = NULL, *next = NULL;
    CLEANUP_JSON json_t *all = json_array();
    if (!path_of(ref, false, &path, err))
        return false;
    do {
        CLEANUP_JSON json_t *page = NULL;
        CLEANUP_FREE char *from = next ? url_encode(next) : NULL;
        CLEANUP_FREE char *full =
            xasprintf("%s?limit=%d%s%s%s", path, PAGE_SIZE, filter, from ? "&continue=" : "", from ? from : "");
        const KubeCall call = {.verb = "list", .kind = ref->kind, .ns = ref->ns, .method = "GET", .path = full,
                               .max_response = LIST_MAX};
        if (!kube_call(kube, &call, &page, err))
            return false;
        take_items(ref->kind, page, all);
        free(next);
        next = xstrdup(json_string_at(page, "metadata.continue", ""));
    } while (*next);
    *ret = TAKE(all);
    return true;
}

/* A list whose continuation has expired (410) is read from its start again. */
static bool list(Kube *kube, const KubeRef *ref, const char *filter, json_t **ret, Error *err)
{
    Error fault = {0};
    for (int i = 0; i < LIST_RESTARTS; i++) {
        if (list_once(kube, ref, filter, ret, &fault))
            return true;
        if (fault.kind != ERR_GONE)
            break;
    }
    if (err)
        *err = fault;
    return false;
}

bool kube_list(Kube *kube, const KubeRef *ref, const char *label_selector, json_t **ret, Error *err)
{
    CLEANUP_FREE char *encoded = label_selector ? url_encode(label_selector) : NULL;
    CLEANUP_FREE char *filter = encoded ? xasprintf("&labelSelector=%s", encoded) : xstrdup("");
    return list(kube, ref, filter, ret, err);
}

bool kube_events(Kube *kube, const char *ns, const char *name, json_t **ret, Error *err)
{
    CLEANUP_FREE char *encoded = name ? url_encode(name) : NULL;
    CLEANUP_FREE char *filter = encoded ? xasprintf("&fieldSelector=involvedObject.name%%3D%s", encoded) : xstrdup("");
    return list(kube, &(KubeRef){"Event", ns, NULL}, filter, ret, err);
}

static bool apply(Kube *kube, const json_t *object, bool dry_run, json_t **ret, Error *err)
{
    const char *kind = json_string_at(object, "kind", ""), *version = json_string_at(object, "apiVersion", "");
    const KubeRef ref = {kind, json_string_at(object, "metadata.namespace", NULL), json_string_at(object, "metadata.name", NULL)};
    const char *wanted = object_api_version(kind);
    CLEANUP_FREE char *path = NULL;
    if (!path_of(&ref, true, &path, err))
        return error_wrap(err, "apply");
    if (strcmp(version, wanted) != 0)
        return error_set(err, ERR_INVALID, "apply %s %s: apiVersion is %s, must be %s", kind, ref.name,
                         *version ? version : "missing", wanted);
    CLEANUP_SECRET char *body = json_text(object);
    CLEANUP_FREE char *full =
        xasprintf("%s?fieldManager=cpbroker&force=true&fieldValidation=Strict%s", path, dry_run ? "&dryRun=All" : "");
    const KubeCall call = {.verb = dry_run ? "check" : "apply", .kind = kind, .ns = ref.ns, .name = ref.name, .method = "PATCH",
                           .path = full, .content_type = "application/apply-patch+yaml", .body = body};
    return kube_call(kube, &call, ret, err);
}

bool kube_apply(Kube *kube, const json_t *object, json_t **ret, Error *err)
{
    return apply(kube, object, false, ret, err);
}

bool kube_apply_dry_run(Kube *kube, const json_t *object, json_t **ret, Error *err)
{
    return apply(kube, object, true, ret, err);
}

static char *delete_options(const KubeDelete *options)
{
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1", "propagationPolicy",
                  options && options->propagation ? options->propagation : "Background");
    if (options && options->uid)
        json_object_set_new(body, "preconditions", json_pack("{s:s}", "uid", options->uid));
    if (options && options->grace_seconds >= 0)
        json_object_set_new(body, "gracePeriodSeconds", json_integer(options->grace_seconds));
    return json_text(body);
}

/* After a 409: true when the object is on its way out, or gone, and is the one that was meant. */
static bool already_deleting(Kube *kube, const KubeRef *ref, const KubeDelete *options)
{
    CLEANUP_JSON json_t *object = NULL;
    Error fault = {0};
    if (!kube_get(kube, ref, &object, &fault))
        return fault.kind == ERR_NOT_FOUND;
    return json_at(object, "metadata.deletionTimestamp") &&
           (!options || !options->uid || strcmp(json_string_at(object, "metadata.uid", ""), options->uid) == 0);
}

bool kube_delete(Kube *kube, const KubeRef *ref, const KubeDelete *options, Error *err)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *body = delete_options(options);
    Error fault = {0};
    if (!path_of(ref, true, &path, err))
        return error_wrap(err, "delete");
    const KubeCall call = {.verb = "delete", .kind = ref->kind, .ns = ref->ns, .name = ref->name, .method = "DELETE",
                           .path = path, .content_type = "application/json", .body = body};
    if (kube_call(kube, &call, NULL, &fault) || fault.kind == ERR_NOT_FOUND)
        return true;
    if (fault.kind == ERR_CONFLICT && already_deleting(kube, ref, options))
        return true;
    if (err)
        *err = fault;
    return false;
}

bool kube_delete_collection(Kube *kube, const KubeRef *ref, const KubeDelete *options, Error *err)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *body = delete_options(options);
    Error fault = {0};
    if (!ref->ns || !object_namespaced(ref->kind) || (options && options->uid))
        return error_set(err, ERR_INVALID, "delete all %s: only within a namespace, and without a uid",
                         ref->kind ? ref->kind : "(no kind)");
    if (!path_of(ref, false, &path, err))
        return false;
    const KubeCall call = {.verb = "delete all", .kind = ref->kind, .ns = ref->ns, .method = "DELETE", .path = path,
                           .content_type = "application/json", .body = body, .max_response = LIST_MAX};
    if (kube_call(kube, &call, NULL, &fault) || fault.kind == ERR_NOT_FOUND)
        return true;
    if (err)
        *err = fault;
    return false;
}

bool kube_version(Kube *kube, char **ret, Error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    const KubeCall call = {.verb = "ask the cluster's version", .method = "GET", .path = "/version"};
    if (!kube_call(kube, &call, &answer, err))
        return false;
    const char *major = json_string_at(answer, "major", ""), *minor = json_string_at(answer, "minor", "");
    if (!*major || !*minor)
        return error_set(err, ERR_INTERNAL, "the cluster's answer to /version has no major and minor");
    *ret = xasprintf("%s.%.*s", major, (int)strspn(minor, "0123456789"), minor);
    return true;
}
