/* What is due with time and not with a request. */
#ifndef JOBS_UPKEEP_H
#define JOBS_UPKEEP_H

#include "jobs/jobs.h"

/*
 * Starts the unbind of every binding that has expired, and forgets old operations. Any number of brokers may do so at the same time; what fails is logged
 * and tried again the next time.
 */
void upkeep(const JobSettings *settings);

#endif
