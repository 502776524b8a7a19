/* The operation engine: workers that lease operations from the store and carry them through their steps. */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "domain/catalog.h"
#include "kube/kube.h"
#include "kube/template.h"
#include "pki/seal.h"
#include "store/store.h"

/* What workers work with; immutable, outlives the engine. */
typedef struct JobSettings {
    Store *store;
    const Catalog *catalog;
    const Templates *templates;
    KubeCluster *cluster;
    const SealKeys *keys;
    const char *owner;                /* unique name of this process, for leases */
    const char *monitoring_namespace; /* whose pods may scrape the exporters */
    const char *external_host;        /* advertised for NodePorts, or NULL: the nodes' own addresses */
    bool check_external;              /* whether a provision ends with a connection to each external listener */
    int workers;                      /* threads, 1..64 */
    int lease_seconds;                /* 2..300; extended every third of it */
    int poll_ms;                      /* between two looks at something that is not ready yet */
    int upkeep_seconds;               /* between two looks for what is due with time */
    int operation_retention_days;     /* how long ended operations are remembered */
} JobSettings;

typedef struct Engine Engine;

/* Starts workers, the heartbeat and the listener. */
MUST_CHECK bool engine_start(const JobSettings *settings, Engine **ret, Error *err);
/* Lets running steps end (at most about 30 s), releases the leases, joins the threads. NULL accepted; returns NULL. */
Engine *engine_stop(Engine *e);

#endif
