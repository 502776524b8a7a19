/* The Open Service Broker API over store and catalog: decode, decide, write, encode. */
#ifndef API_API_H
#define API_API_H

#include "domain/quota.h"
#include "http/http.h"
#include "pki/seal.h"
#include "store/store.h"

#include <stdatomic.h>

#define API_CATALOG_TAGS 5 /* one per prepared catalog text: minors 13 to 17 */

/* Entity tag of a catalog text; made at its first use. */
typedef struct CatalogTag {
    atomic_int state; /* 0 none, 1 being made, 2 made */
    char text[40];
} CatalogTag;

/* What the handlers work with; zero it, then set the first group. Immutable but for the second one. */
typedef struct Api {
    Store *store;
    const Catalog *catalog;
    const SealKeys *keys;
    const char *namespace_prefix;    /* of instance namespaces: "cp" gives cp-<id> */
    const Quotas *quotas;            /* or NULL */
    bool endpoints;                  /* whether bindings tell their network endpoints (from API 2.15 on) */
    bool gone_after_delete;          /* last_operation of a finished delete: 410 instead of 200 "succeeded" */
    int metadata_from_minor;         /* first API version that gets the labels of instances */
    int synchronous_wait_seconds;    /* how long a synchronous bind or unbind may take before 504 (platforms give up at 60) */

    atomic_bool stopping;            /* readiness answers 503, waiting handlers end */
    CatalogTag tags[API_CATALOG_TAGS];
} Api;

/* All routes, ended by an empty row. Their context is an Api. */
const Route *api_routes(void);
/* Only /healthz and /readyz, for a process that serves no platform. */
const Route *api_health_routes(void);
/* Error kind to status, OSB error code and body (OSB 2.17, Service Broker Errors). Matches ErrorEncoder; context is an Api. */
void api_encode_error(void *context, const Request *request, const Error *err, Response *response);

#endif
