/* What the client knows of kinds and of readiness: one table each. */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "base/json.h"
#include "base/str.h"

/* Path of a collection or object below the server's address, percent-encoded; `name` NULL = the collection (`ns` NULL: of all namespaces). NULL for an unknown kind, or for a name without the namespace it needs. Caller frees. */
char *object_path(const char *kind, const char *ns, const char *name);

/* apiVersion of a kind ("apps/v1"), or NULL for an unknown one. */
const char *object_api_version(const char *kind);
/* Whether objects of the kind live in a namespace; false for unknown kinds. */
bool object_namespaced(const char *kind);

/* Names that Kubernetes takes (RFC 1123 label, at most 63). */
bool object_name_valid(const char *name);

/* Readiness by kind (StatefulSet: all four of observedGeneration, updated, ready, revision, but for OnDelete not revision, which the controller leaves behind; Service: has its ports or address; PVC: Bound; …). An object being deleted is not ready. Kinds without a notion of it are. */
bool object_ready(const json_t *object);
/* "2 of 3 ready" for a StatefulSet; counts may be NULL. */
void statefulset_counts(const json_t *statefulset, int *ret_ready, int *ret_wanted);

/* How bad it is that a workload is not ready. */
typedef enum Severity {
    TROUBLE_NONE,
    TROUBLE_PASSING, /* may pass by itself: a first crash */
    TROUBLE_STUCK,   /* passes only if something outside changes: no node has room, a registry does not answer, a volume is not made */
    TROUBLE_FATAL,   /* waiting does not help: no such image, bad image name, CreateContainerConfigError, a crash loop of >= 3 restarts */
} Severity;

/* A StatefulSet as the API server shows it; members that were not asked for are NULL, and then not judged. */
typedef struct Workload {
    const json_t *set;
    const json_t *pods, *claims, *events; /* arrays; `events` of the whole namespace */
    int64_t now;                          /* Unix seconds, to tell how long a trouble has lasted */
} Workload;

/*
 * What keeps pods from being ready, for people: "kafka-1: image x:1 cannot be pulled (ErrImagePull: …)", "kafka-0 cannot be scheduled: …",
 * "kafka-0: container kafka exited with code 1 (Error), 3 restarts; its last words: …", "2 of 3 pods do not exist: … exceeded quota …",
 * "volume claim data-kafka-0 has no volume: …". Appends at most 3 to `out` and gives the worst. *ret_stuck_seconds = how long the longest of
 * those that are TROUBLE_STUCK has lasted, INT_MAX if the API server does not tell.
 */
Severity workload_trouble(const Workload *w, Str *out, int *ret_stuck_seconds);

#endif
