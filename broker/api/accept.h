/* Accepting an operation: the row that is committed before any side effect, and the answers that name it. */
#ifndef API_ACCEPT_H
#define API_ACCEPT_H

#include "api/decode.h"
#include "domain/lifecycle.h"

/*
 * The Kubernetes namespace of an instance: "PREFIX-ID" where that is a label of RFC 1123 (lower case, at most 63 characters), else
 * "PREFIX-" and the first 32 hex digits of the id's SHA-256. The caller frees.
 */
char *instance_namespace(const char *prefix, const char *id);

/* What one writing request works on; zero but for the first two members at first. */
typedef struct Accept {
    const Api *api;
    const Request *r;
    Body body;
    Tx *tx;
    Instance instance;  /* as locked */
    Binding binding;    /* of the id in the path, on whatever instance */
    char operation[37]; /* the one that answers the request */
} Accept;

/* Rolls back what is not committed. */
void accept_clear(Accept *a);
static inline UNUSED void accept_clear_cleanup(Accept *a)
{
    accept_clear(a);
}

/* Begins, locks and reads the instance of the path, and reads its binding if the path names one. */
MUST_CHECK bool accept_lock(Accept *a, Error *err);

/*
 * Inserts the operation of `kind` on the instance or binding of the path, for `plan_of` (the instance's plan bounds its time; one hour when the
 * catalog no longer holds it), and commits. `request` is an update's, else NULL. Before any side effect: the row is the promise. false: ERR_BUSY or of
 * the database.
 */
MUST_CHECK bool accept_operation(Accept *a, OperationKind kind, const Instance *plan_of, const json_t *request, Error *err);

/* Writes what lifecycle_decide() said about a delete, with its operation, and commits; for a repeated request names the running operation. */
MUST_CHECK bool accept_delete(Accept *a, const Change *change, Error *err);

/* Names the operation that runs already. */
MUST_CHECK bool accept_running(Accept *a, Error *err);

/* Adds metadata.labels of an instance to an answer, for versions that know them (OSB 2.17, Service Instance Metadata). */
void answer_metadata(const Api *api, const Request *r, const Instance *instance, Response *response);
/* 202 {"operation"}. Returns true. */
bool answer_accepted(Response *response, const char *operation);
/* `status` {}. Returns true. */
bool answer_empty(Response *response, int status);

#endif
