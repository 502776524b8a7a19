/* The Open Service Broker API over store and catalog: decode, decide, write, encode. */
#ifndef API_API_H
#define API_API_H

#include "domain/catalog.h"
#include "http/http.h"
#include "pki/seal.h"
#include "store/store.h"

#include <stdatomic.h>

/* What the handlers work with; immutable but for `stopping`. */
typedef struct Api {
    Store *store;
    const Catalog *catalog;
    const SealKeys *keys;
    const char *namespace_prefix;    /* of instance namespaces: "cp" gives cp-<id> */
    int synchronous_wait_seconds;    /* how long a synchronous bind or unbind may take before 504 (platforms give up at 60) */
    atomic_bool stopping;            /* readiness answers 503 */
} Api;

/* All routes, ended by an empty row. Their context is an Api. */
const Route *api_routes(void);
/* Error kind to status, OSB error code and body. Matches ErrorEncoder; context is an Api. */
void api_encode_error(void *context, const Request *request, const Error *err, Response *response);

#endif
