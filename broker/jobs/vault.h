/* Sealed JSON documents of instances and bindings in the store. */
#ifndef JOBS_VAULT_H
#define JOBS_VAULT_H

#include "jobs/job.h"

/* Seals and stores `document` unless one is there already; *ret is the stored one (new reference) in either case. */
MUST_CHECK bool vault_put(Job *job, const char *binding_id, const char *name, const json_t *document, json_t **ret, Error *err);
/* false: ERR_NOT_FOUND when there is none. */
MUST_CHECK bool vault_get(Job *job, const char *binding_id, const char *name, json_t **ret, Error *err);

#endif
