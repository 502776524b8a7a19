/* How operations reach an instance's Kafka: through the API server to a named pod, as CN=osb-admin or as a user. */
#ifndef JOBS_LINK_H
#define JOBS_LINK_H

#include "jobs/job.h"
#include "kafka/admin.h"

/* The job's administration client over the REPLICATION listeners; belongs to the job. false: no facts. */
MUST_CHECK bool link_admin(Job *job, KafkaAdmin **ret, Error *err);
/* Logs in to broker `i` as a client does (SASL_SSL, SCRAM-SHA-512) and closes. false: ERR_DENIED when refused. */
MUST_CHECK bool link_login(Job *job, int i, const char *user, const char *password, Error *err);
/* TCP and TLS (name verified) to broker i's external address, as a client outside sees it. */
MUST_CHECK bool link_external(Job *job, int i, Error *err);
/* Answer of a ZooKeeper four-letter word on zk-<i>; the caller frees. */
MUST_CHECK bool link_zookeeper(Job *job, int i, const char *word, char **ret, Error *err);

#endif
