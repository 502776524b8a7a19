/* Kubernetes API client: get, list, apply, delete and port-forward with errors by code and reason. */
#ifndef KUBE_KUBE_H
#define KUBE_KUBE_H

#include "base/json.h"
#include "net/stream.h"

/* How to reach one cluster: address, CA, credentials. Immutable but for a locked credential cache; shared by all threads. */
typedef struct KubeCluster KubeCluster;
/* One thread's client: one HTTP/2 connection. */
typedef struct Kube Kube;

/*
 * Reads a kubeconfig (path; NULL = in-cluster service account). Supports client certificates, token, tokenFile (re-read every 60 s),
 * exec plugins (v1, v1beta1; absolute command, 30 s limit, cached to expiry, run again on 401), tls-server-name, relative paths. Refuses
 * username/password, auth-provider and insecure-skip-tls-verify. false: ERR_INVALID / ERR_NOT_FOUND saying which field of which file.
 */
MUST_CHECK bool kube_cluster_load(const char *kubeconfig, KubeCluster **ret, Error *err);
KubeCluster *kube_cluster_free(KubeCluster *cluster);
DEFINE_CLEANUP(KubeCluster *, kube_cluster_free)

MUST_CHECK bool kube_new(KubeCluster *cluster, Kube **ret, Error *err);
Kube *kube_free(Kube *kube);
DEFINE_CLEANUP(Kube *, kube_free)

/* Requests from now on end before this clock_ms() value and none starts after it (a lease that ran out must not act). 0 = no limit but 30 s each. */
void kube_set_deadline(Kube *kube, int64_t deadline_ms);

/* What to name in a request; `ns` NULL for cluster-wide kinds or for lists over all namespaces. */
typedef struct KubeRef {
    const char *kind; /* "StatefulSet", as in kube/object.c's table */
    const char *ns;
    const char *name;
} KubeRef;

/* false: ERR_NOT_FOUND, ERR_DENIED (401, 403), ERR_RETRY (429, 5xx, no connection; Retry-After kept; 403 NamespaceTerminating or a missing default service account), ERR_INVALID (422, 400), ERR_CONFLICT (409), ERR_GONE (410). */
MUST_CHECK bool kube_get(Kube *kube, const KubeRef *ref, json_t **ret, Error *err);
/* All items (pages of 500). `label_selector` may be NULL. *ret is a JSON array. */
MUST_CHECK bool kube_list(Kube *kube, const KubeRef *ref, const char *label_selector, json_t **ret, Error *err);
/* Items of Event in a namespace that involve an object named `name` (NULL = all). */
MUST_CHECK bool kube_events(Kube *kube, const char *ns, const char *name, json_t **ret, Error *err);

/* Server-side apply, field manager "cpbroker", force, fieldValidation=Strict. *ret (may be NULL) = the stored object. */
MUST_CHECK bool kube_apply(Kube *kube, const json_t *object, json_t **ret, Error *err);
/* Same with dryRun=All: validates, stores nothing. */
MUST_CHECK bool kube_apply_dry_run(Kube *kube, const json_t *object, json_t **ret, Error *err);

typedef struct KubeDelete {
    const char *uid;           /* precondition, or NULL */
    const char *propagation;   /* "Background" (NULL), "Foreground", "Orphan" */
    int grace_seconds;         /* -1 = the object's own */
} KubeDelete;

/* An absent object is success. A uid that differs is ERR_CONFLICT. */
MUST_CHECK bool kube_delete(Kube *kube, const KubeRef *ref, const KubeDelete *options, Error *err);
/* Deletes all of one kind in ref->ns. */
MUST_CHECK bool kube_delete_collection(Kube *kube, const KubeRef *ref, const KubeDelete *options, Error *err);

/* A TCP port of a pod. */
typedef struct KubePort {
    const char *ns, *pod;
    int port;
} KubePort;

/* That port as a stream, through the API server (WebSocket v4.channel.k8s.io). false: as kube_get. That nothing listens is told by the first read (ERR_RETRY with the kubelet's words): the API server accepts before it tries. */
MUST_CHECK bool kube_portforward(Kube *kube, const KubePort *to, int64_t deadline_ms, Stream **ret, Error *err);

/* Answer of GET /version ("1.33"), as a cheap test that the cluster answers and the credentials are accepted. */
MUST_CHECK bool kube_version(Kube *kube, char **ret, Error *err);

#endif
