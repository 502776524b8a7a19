/* A binding's Kafka user: its name, its rules, its credentials document. */
#ifndef JOBS_ACCESS_H
#define JOBS_ACCESS_H

#include "jobs/job.h"
#include "kafka/admin.h"

#define SCRAM_ITERATIONS 8192

/* "b-" and the binding's id where that is plain, else a hash of it; the caller frees. */
char *access_user(const char *binding_id);

/* A list of rules; names are borrowed from the parameters. */
typedef struct Acls {
    KafkaAcl *rows;
    size_t count;
} Acls;
void acls_free(Acls *acls);
static inline UNUSED void acls_free_cleanup(Acls *acls)
{
    acls_free(acls);
}

/*
 * Rules of a binding by its parameters (object or NULL), appended to *ret: those of `topics` and `groups`, each a list of {name or prefix, rights};
 * without such a list, everything of that kind in the instance.
 */
void access_acls(const json_t *parameters, Acls *ret);
/* {"credentials": {…}, "endpoints": […]} for a new password. Needs job->facts. */
MUST_CHECK bool access_document(Job *job, json_t **ret, Error *err);

#endif
