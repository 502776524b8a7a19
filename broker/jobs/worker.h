/* One leased operation from its current step on. Internal to jobs/. */
#ifndef JOBS_WORKER_H
#define JOBS_WORKER_H

#include "jobs/job.h"

/*
 * Runs steps of `op` (taken over and released) with the worker's client until it ends, has to wait, or the lease is lost, which another
 * thread tells through `lost`. Failures are stored with the operation and logged; nothing is returned.
 */
void worker_run(const JobSettings *settings, Kube *kube, Operation *op, atomic_bool *lost);

#endif
