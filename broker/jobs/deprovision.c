/* Deprovision: workloads, volumes, namespace, released volumes. Works from every state; what is absent is done. */
#include "jobs/steps.h"
#include "kube/object.h"

#include <string.h>

/* Number of objects of a kind left in the instance's namespace. */
static bool count_left(Job *job, const char *kind, size_t *ret, Error *err)
{
    CLEANUP_JSON json_t *items = NULL;
    if (!kube_list(job->kube, &(KubeRef){kind, job->instance.ns, NULL}, NULL, &items, err))
        return false;
    *ret = json_array_size(items);
    return true;
}

static bool left_check(Job *job, const char *kind, const char *noun, bool *ret_done, Error *err)
{
    size_t left = 0;
    if (!count_left(job, kind, &left, err))
        return false;
    *ret_done = left == 0;
    if (left)
        str_appendf(&job->progress, "%s left: %zu", noun, left);
    return true;
}

/* The namespace if it is the instance's; *ret = NULL when there is none, or when its name belongs to something else (then nothing of ours is in it). */
static bool our_namespace(Job *job, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!kube_get(job->kube, &(KubeRef){"Namespace", NULL, job->instance.ns}, &ns, err)) {
        *ret = NULL;
        return err->kind == ERR_NOT_FOUND;
    }
    const char *owner = json_string_value(json_object_get(json_at(ns, "metadata.annotations"), "osb/instance-id"));
    *ret = owner && strcmp(owner, job->instance.id) == 0 ? TAKE(ns) : NULL;
    return true;
}

/*
 * Pods go at once: what they would hand over on a slow shutdown is deleted as well. The sets leave their pods behind (Orphan): the garbage
 * collector would delete them with their own grace of minutes, and whoever deletes first decides.
 */
bool deprovision_workloads(Job *job, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    const KubeDelete orphan = {.propagation = "Orphan", .grace_seconds = -1}, quick = {.grace_seconds = 1};
    if (!our_namespace(job, &ns, err))
        return false;
    if (!ns)
        return true;
    return job_alive(job, err) &&
           kube_delete_collection(job->kube, &(KubeRef){"StatefulSet", job->instance.ns, NULL}, &orphan, err) &&
           kube_delete_collection(job->kube, &(KubeRef){"Pod", job->instance.ns, NULL}, &quick, err);
}

bool deprovision_workloads_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!our_namespace(job, &ns, err))
        return false;
    *ret_done = !ns;
    return !ns || left_check(job, "Pod", "pods", ret_done, err);
}

bool deprovision_volumes(Job *job, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    const KubeDelete plain = {.grace_seconds = -1};
    if (!our_namespace(job, &ns, err))
        return false;
    return !ns || (job_alive(job, err) &&
                   kube_delete_collection(job->kube, &(KubeRef){"PersistentVolumeClaim", job->instance.ns, NULL}, &plain, err));
}

bool deprovision_volumes_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!our_namespace(job, &ns, err))
        return false;
    *ret_done = !ns;
    return !ns || left_check(job, "PersistentVolumeClaim", "volume claims", ret_done, err);
}

/* With the uid as precondition: a namespace that somebody made anew under the name stays. */
bool deprovision_namespace(Job *job, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!our_namespace(job, &ns, err))
        return false;
    if (!ns || strcmp(json_string_at(ns, "status.phase", ""), "Terminating") == 0)
        return true;
    const KubeDelete options = {.uid = json_string_at(ns, "metadata.uid", NULL), .grace_seconds = -1};
    return job_alive(job, err) && kube_delete(job->kube, &(KubeRef){"Namespace", NULL, job->instance.ns}, &options, err);
}

/* What Kubernetes says holds the namespace, such as a finalizer and its object's kind. */
static void explain_namespace(const json_t *ns, Str *out)
{
    static const char *const telling[] = {"NamespaceFinalizersRemaining", "NamespaceContentRemaining",
                                          "NamespaceDeletionContentFailure", "NamespaceDeletionDiscoveryFailure"};
    json_t *conditions = json_at(ns, "status.conditions"), *c;
    size_t k;
    str_append(out, "the namespace is being deleted");
    for (size_t i = 0; i < ARRAY_SIZE(telling); i++)
        json_array_foreach(conditions, k, c)
        {
            if (strcmp(json_string_at(c, "type", ""), telling[i]) == 0 && strcmp(json_string_at(c, "status", ""), "True") == 0)
                str_appendf(out, "; %.200s", json_string_at(c, "message", ""));
        }
}

bool deprovision_namespace_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    if (!our_namespace(job, &ns, err))
        return false;
    *ret_done = !ns;
    if (ns)
        explain_namespace(ns, &job->progress);
    return true;
}

bool deprovision_persistent_volumes_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *volumes = NULL;
    CLEANUP_JSON json_t *foreign = NULL;
    size_t i, left = 0;
    json_t *volume;
    /* A namespace of that name that still exists is somebody else's, and so are its volumes. */
    if (kube_get(job->kube, &(KubeRef){"Namespace", NULL, job->instance.ns}, &foreign, err)) {
        *ret_done = true;
        return true;
    }
    if (err->kind != ERR_NOT_FOUND ||
        !kube_list(job->kube, &(KubeRef){"PersistentVolume", NULL, NULL}, NULL, &volumes, err))
        return false;
    json_array_foreach(volumes, i, volume)
    {
        bool ours = strcmp(json_string_at(volume, "spec.claimRef.namespace", ""), job->instance.ns) == 0;
        bool kept = strcmp(json_string_at(volume, "spec.persistentVolumeReclaimPolicy", ""), "Retain") == 0;
        left += ours && !kept;
    }
    *ret_done = left == 0;
    if (left)
        str_appendf(&job->progress, "volumes being deleted: %zu", left);
    return true;
}
