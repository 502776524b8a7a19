/* One request to the API server: credentials, deadline, answer, error by code and reason. Internal to kube/. */
#ifndef KUBE_REQUEST_H
#define KUBE_REQUEST_H

#include "kube/cluster.h"
#include "net/http_client.h"

struct Kube {
    KubeCluster *cluster;
    HttpClient *http; /* NULL before the first request */
    char *http_cert;  /* the client certificate that `http` shows, or NULL */
    int64_t deadline_ms;
};

/* One call. All borrowed. The first four name it in errors. */
typedef struct KubeCall {
    const char *verb; /* "get", "apply", … */
    const char *kind, *ns, *name;
    const char *method;
    const char *path;         /* below the server's base, with query */
    const char *content_type; /* of the body, or NULL */
    const char *body;         /* or NULL */
    size_t max_response;      /* as HttpRequest */
} KubeCall;

/* Does it; *ret (may be NULL) = the answer's JSON. A 401 makes the credential anew once. false: as kube_get. */
MUST_CHECK bool kube_call(Kube *kube, const KubeCall *call, json_t **ret, Error *err);

/* "get Pod osb-1/kafka-0"; the caller frees. */
char *kube_call_text(const KubeCall *call);

/*
 * Sets the error of an answer that is not 2xx. Decides on code, reason and causes; texts of the server are told (at most 300 bytes), but for
 * kind Secret only reason and field names, as a message may quote values. Returns false.
 */
bool kube_status_error(const KubeCall *call, const HttpResponse *response, Error *err);

/* Milliseconds for a request: `limit_ms` or less if the deadline comes first. false: ERR_RETRY when it has passed. */
MUST_CHECK bool kube_time_left(const Kube *kube, int limit_ms, int *ret_ms, Error *err);

#endif
