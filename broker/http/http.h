/* What a handler sees of HTTP: a decoded request, a response to fill, a table of routes. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/json.h"
#include "base/str.h"
#include "net/tls_server.h"

#define HTTP_MAX_BODY (1024 * 1024) /* more is 413 */
#define HTTP_MAX_ID 255             /* bytes of a decoded path segment; more is 400 */
#define HTTP_MAX_SEGMENTS 2
#define HTTP_MAX_GROUP 256          /* requests that are answered together */

typedef struct Request {
    const char *method;
    const char *path;                       /* as sent, for logs; never holds a query */
    const char *ids[HTTP_MAX_SEGMENTS];     /* percent-decoded :segments of the route, never empty, no NUL, valid UTF-8 */
    const char *body;                       /* NUL-terminated; "" when none */
    size_t body_len;
    int minor;                              /* of X-Broker-API-Version 2.minor; 0 on routes without that check */
    const char *user;                       /* whose credentials came; NULL on open routes */
    const char *client_address;             /* of the peer, or of the client that a trusted proxy forwards for; for logs only */
    const char *originating_identity;       /* header as sent, or NULL */
    const char *platform;                   /* its first word, "cloudfoundry"; NULL without the header and on routes that are not OSB's */
    const char *platform_user;              /* its user_id or username, or NULL */
    const char *request_identity;           /* header, or NULL */
    void *internal;                         /* of the server */
} Request;

/* First query argument of that name, decoded ('+' and %20 are blanks); NULL when absent, empty or not decodable. */
const char *request_query(const Request *r, const char *name);
/* Header, or NULL. */
const char *request_header(const Request *r, const char *name);

typedef struct Response {
    int status;
    json_t *body;             /* object; taken by the server, erased after sending; NULL = `text`, or {} (no body with 304) */
    const char *text;         /* a prepared body that outlives the response (not copied), else NULL */
    size_t text_len;
    char *made;               /* a JSON text made for this answer, else NULL; taken by the server */
    const char *content_type; /* NULL = application/json */
    int retry_after_seconds;  /* header, when > 0 */
    const char *etag;         /* header, when set; borrowed, outlives the response */
} Response;

typedef bool (*Handler)(void *context, const Request *request, Response *response, Error *err);
/* Turns a handler's error into status and body. */
typedef void (*ErrorEncoder)(void *context, const Request *request, const Error *err, Response *response);

typedef enum RouteCheck { ROUTE_OPEN, ROUTE_BASIC, ROUTE_OSB /* Basic auth, then X-Broker-API-Version */ } RouteCheck;

/* One of the requests that are answered together. */
typedef struct Call {
    const Request *request;
    Response *response;
    Error err;
    bool ok; /* what a Handler returns */
} Call;

/* Answers all that have come while the call before this one ran; 1 <= n <= HTTP_MAX_GROUP. */
typedef void (*GroupHandler)(void *context, Call *const *calls, size_t n);

typedef enum RouteWork {
    WORK_BLOCKS, /* on one of the server's threads; the default */
    WORK_QUICK,  /* never blocks: on a thread that serves many connections */
    WORK_WAITS,  /* may take long: on a thread of its own */
} RouteWork;

typedef struct Route {
    const char *method;
    const char *pattern; /* "/v2/service_instances/:instance/last_operation" */
    RouteCheck check;
    Handler handler;
    RouteWork work;
    GroupHandler group; /* instead of a handler; at most one such call runs at a time */
} Route;

typedef struct ServerOptions {
    const char *address;  /* "127.0.0.1", "::", "0.0.0.0" */
    int port;             /* 0 = any free one */
    int threads;          /* 1..256; as many handlers may block at a time */
    const Route *routes;  /* ended by a row without method */
    void *context;        /* of the handlers */
    ErrorEncoder encode_error;
    const TlsServerOptions *tls; /* serves HTTPS; NULL: plain HTTP */
    const char *username, *password;               /* Basic credentials; erased at the stop */
    const char *second_username, *second_password; /* a pair that is valid too; NULL or "" = none */
    const char *trusted_proxies; /* comma list of addresses and networks whose X-Forwarded-For is believed; NULL or "" = none */
} ServerOptions;

typedef struct Server Server;

/* Listens and serves from its own threads. false: ERR_INVALID (address in use, bad address, bad list, unusable certificate) or ERR_NOT_FOUND (its files). */
MUST_CHECK bool server_start(const ServerOptions *options, Server **ret, Error *err);
int server_port(const Server *s);
/* Loads the TLS certificate again soon; nothing without TLS. */
void server_reload(Server *s);
/* Stops accepting, waits up to grace_ms for running requests (for those whose handlers block until they return), then releases. Returns NULL; NULL accepted. */
Server *server_stop(Server *s, int grace_ms);

#endif
