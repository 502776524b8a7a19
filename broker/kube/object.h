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

/*
 * What keeps a pod from being ready, for people: "kafka-1: image x:1 cannot be pulled (ErrImagePull: …)", "cannot be scheduled: …", "container kafka
 * exited with code 1 (Error), 3 restarts". Appends to `out` for each troubled pod (at most 3). *ret_fatal = true when waiting will not help
 * (bad image name, crash loop with >= 3 restarts, CreateContainerConfigError). false if no pod is in trouble.
 */
bool pods_trouble(const json_t *pods, Str *out, bool *ret_fatal);

#endif
