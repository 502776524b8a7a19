/* One leased operation from its current step on. Internal to jobs/. */
#ifndef JOBS_WORKER_H
#define JOBS_WORKER_H

#include "jobs/job.h"

/*
 * Runs steps of `op` (taken over and released) until it ends, has to wait, or the lease is lost. `kube` is the worker's client, or NULL with
 * `no_kube` saying why there is none (then the operation waits).
 */
void worker_run(const JobSettings *settings, Kube *kube, Operation *op, atomic_bool *lost);

#endif
