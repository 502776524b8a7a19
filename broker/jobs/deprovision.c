/* Deprovision: workloads, volumes, namespace, released volumes. Works from every state; what is absent is done. */
#include "jobs/steps.h"
#include "kube/object.h"
#include "kube/remaining.h"

#include <string.h>

#define FORCE_SECONDS 60      /* pods that have not ended by then are not waited for */
#define HELD_SECONDS 5        /* a namespace that is not gone by then may be held */

/* Done when no object is left; else progress says how many, and what holds them. */
static void left(Job *job, const json_t *objects, const char *noun, bool *ret_done)
{
    *ret_done = json_array_size(objects) == 0;
    if (*ret_done)
        return;
    str_appendf(&job->progress, "%s left: %zu", noun, json_array_size(objects));
    holders_append(objects, &job->progress);
}

static bool left_check(Job *job, const char *kind, const char *noun, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *objects = NULL;
    if (!kube_list(job->kube, &(KubeRef){kind, job->instance.ns, NULL}, NULL, &objects, err))
        return false;
    left(job, objects, noun, ret_done);
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
 * collector would delete them with their own grace of minutes, and whoever deletes first decides. Pods of a node that does not answer never
 * end by themselves: after a minute Kubernetes is told to forget them (grace 0).
 */
bool deprovision_workloads(Job *job, Error *err)
{
    CLEANUP_JSON json_t *ns = NULL;
    const KubeDelete orphan = {.propagation = "Orphan", .grace_seconds = -1}, quick = {.grace_seconds = job->op.step_seconds < FORCE_SECONDS};
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

/* What Kubernetes itself says of the namespace, such as kinds and numbers of what is left, or an API that does not answer. */
static void explain_namespace(const json_t *ns, bool holders_told, Str *out)
{
    static const char *const telling[] = {"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure",
                                          "NamespaceFinalizersRemaining", "NamespaceContentRemaining"};
    json_t *conditions = json_at(ns, "status.conditions"), *c;
    size_t k;
    for (size_t i = 0; i < ARRAY_SIZE(telling) - (holders_told ? 2 : 0); i++)
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
    if (!ns)
        return true;
    str_append(&job->progress, "the namespace is being deleted");
    size_t told = job->progress.len;
    if (job->op.step_seconds >= HELD_SECONDS && !namespace_holders(job->kube, ns, &job->progress, err))
        return false;
    explain_namespace(ns, job->progress.len > told, &job->progress);
    return true;
}

bool deprovision_persistent_volumes_check(Job *job, bool *ret_done, Error *err)
{
    CLEANUP_JSON json_t *volumes = NULL;
    CLEANUP_JSON json_t *foreign = NULL;
    CLEANUP_JSON json_t *waited_for = json_array();
    size_t i;
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
        if (ours && !kept)
            json_array_append(waited_for, volume);
    }
    left(job, waited_for, "volumes", ret_done);
    return true;
}
