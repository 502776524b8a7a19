/* One leased operation at work, and what a step is. Internal to jobs/. */
#ifndef JOBS_JOB_H
#define JOBS_JOB_H

#include "base/str.h"
#include "jobs/jobs.h"

#include <stdatomic.h>

struct KafkaAdmin;

typedef struct Job {
    const JobSettings *settings;
    Kube *kube;
    Operation op;
    Instance instance;
    Binding binding;      /* for operations on a binding */
    const Plan *plan;     /* NULL: no longer in the catalog */
    json_t *request;      /* of an update: see store_operation_request */
    json_t *facts;        /* the instance's sealed facts once read; see facts.h */
    struct KafkaAdmin *admin; /* kept between steps; see link.h */
    Str progress;         /* what a check that is not done says: "2 of 3 brokers ready" */
    atomic_bool *lost;    /* set by the heartbeat when the lease is gone */
} Job;

/* false: ERR_LOST. To be asked before each change of the outside world inside a step. */
MUST_CHECK bool job_alive(const Job *job, Error *err);

/*
 * A step: precondition, action, check, deadline. All three are idempotent and may be NULL (= holds). The check sets *ret_done; when it is not
 * done it says why in job->progress. The step is persisted before it acts. On expiry the operation fails with the step's name (the component).
 */
typedef struct Step {
    const char *name;
    bool (*precondition)(Job *job, Error *err);
    bool (*act)(Job *job, Error *err);
    bool (*check)(Job *job, bool *ret_done, Error *err);
    int deadline_seconds;
    int retry_after_seconds; /* advice for platforms: how long it usually takes at least */
} Step;

/* The steps of a kind of operation as the plan needs them; a static table. */
const Step *steps_of(OperationKind kind, const Plan *plan, size_t *ret_count);

#endif
