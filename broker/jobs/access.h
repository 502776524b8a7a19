/* A binding's Kafka user: its name, its rules, its credentials document. */
#ifndef JOBS_ACCESS_H
#define JOBS_ACCESS_H

#include "jobs/job.h"
#include "kafka/admin.h"

#define SCRAM_ITERATIONS 8192

/* "b-" and the binding's id where that is plain, else a hash of it; the caller frees. */
char *access_user(const char *binding_id);
/* Rules of a binding: all topics, groups and transactional ids of the instance. */
const KafkaAcl *access_acls(size_t *ret_count);
/* {"credentials": {…}, "endpoints": […]} for a new password. Needs job->facts. */
MUST_CHECK bool access_document(Job *job, json_t **ret, Error *err);

#endif
