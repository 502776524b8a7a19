/* What a plan needs of its namespace: the numbers of its ResourceQuota. */
#ifndef JOBS_QUOTA_H
#define JOBS_QUOTA_H

#include "domain/catalog.h"

/* {pods, cpu, memory, claims, storage, node_ports} as quantity texts: the plan's own need plus one surge per role and room for a job. false: ERR_INVALID. */
MUST_CHECK bool quota_build(const Plan *plan, json_t **ret, Error *err);

#endif
