/*
 * Facts of an instance: what was decided once and must not change, sealed in the store as the secret "facts":
 * {"cluster_id", "ca": {"key","cert"}, "admin": {"key","cert"}, "external": [{"host","port"} per broker],
 *  "kafka_pem": [key+certificate per broker], "quorum_pem": [per quorum member]}
 */
#ifndef JOBS_FACTS_H
#define JOBS_FACTS_H

#include "jobs/job.h"

/* Reads them into job->facts unless there already. false: ERR_NOT_FOUND before the certificates step. */
MUST_CHECK bool facts_load(Job *job, Error *err);
/* Makes and stores them (or takes the stored ones) from the broker services' addresses: an array of {"host","port"}. */
MUST_CHECK bool facts_make(Job *job, const json_t *external, Error *err);

/* Kafka brokers of the instance, also when its plan is no longer in the catalog; 0 before the facts are read. */
int facts_brokers(const Job *job);
/* Whether the instance's quorum is ZooKeeper. */
bool job_zookeeper(const Job *job);

#endif
