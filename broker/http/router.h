/* From a method and a raw path to a route and its ids. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/http.h"

typedef struct RouteMatch {
    const Route *route;
    const char *segments[HTTP_MAX_SEGMENTS]; /* raw :segments inside the path, not terminated */
    size_t lengths[HTTP_MAX_SEGMENTS];
    size_t count;
} RouteMatch;

typedef enum RouteResult {
    ROUTE_FOUND,
    ROUTE_UNKNOWN,      /* no pattern matches: 404; so are empty segments (a trailing or doubled slash) */
    ROUTE_WRONG_METHOD, /* a pattern matches, with other methods: 405 */
} RouteResult;

/* Matches the raw path (no query, nothing decoded, so that "%2F" stays inside its segment) against `routes`. */
RouteResult router_find(const Route *routes, const char *method, const char *path, RouteMatch *ret);

/* The methods that a path takes, as an Allow header ("GET, PUT"). */
void router_allow(const Route *routes, const char *path, char *out, size_t size);

/*
 * Decodes one raw segment into an id: any text that is not empty, "." or "..", at most HTTP_MAX_ID bytes of valid UTF-8 without control
 * characters (OSB 2.17, URL Properties: ids are opaque, other characters arrive percent-encoded). false: ERR_INVALID.
 */
MUST_CHECK bool router_decode_id(const char *raw, size_t n, char out[HTTP_MAX_ID + 1], Error *err);

/* Decodes percent escapes of n bytes into `out` (n + 1 bytes hold any result). false: a bad escape or "%00". */
bool percent_decode(const char *raw, size_t n, char *out, size_t *ret_len);

#endif
