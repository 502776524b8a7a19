/* One request and its answer inside the server: state between libmicrohttpd's calls. */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http/acceptor.h"
#include "http/auth.h"
#include "http/ends.h"
#include "http/framing.h"
#include "http/http.h"
#include "http/identity.h"
#include "http/linger.h"
#include "http/proxies.h"
#include "net/tls_bridge.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>

/* The other end of a connection. */
typedef struct Peer {
    End end;
    struct in6_addr address;
    bool trusted; /* a proxy whose X-Forwarded-For is believed */
    char text[INET6_ADDRSTRLEN];
} Peer;

/* One polling thread with its connections. */
typedef struct Lane {
    Server *server;
    struct MHD_Daemon *daemon;
    atomic_int connections;
} Lane;

typedef struct Workers Workers;

struct Server {
    Lane *lanes;
    int lane_count, lane_limit; /* most connections of a lane */
    Acceptor *acceptor;
    TlsBridge *bridge; /* NULL: plain HTTP */
    const Route *routes;
    void *context;
    ErrorEncoder encode_error;
    Auth auth;
    Proxies proxies;
    Workers *workers;
    Linger *linger;
    Ends *ends;
    atomic_int running; /* requests that have begun and are not completed */
    atomic_bool stopping;
    atomic_llong refused_ms; /* when the log last said that connections are refused */
};

/* A decoded text that lives as long as its request. */
typedef struct Kept {
    struct Kept *next;
    char text[];
} Kept;

typedef struct Exchange {
    Server *server;
    struct MHD_Connection *connection;
    Peer *peer;
    const Route *route;
    Request request;
    Response response;
    char ids[HTTP_MAX_SEGMENTS][HTTP_MAX_ID + 1];
    Str body;
    size_t received; /* bytes of the body, kept or not */
    Kept *kept;
    PlatformIdentity identity;
    int64_t started_ms;
    Framing framing;
    Call call;             /* of a group */
    struct Exchange *next; /* in a queue */
    bool handled;          /* `response` is filled */
    int status;            /* sent; 0 = none */
} Exchange;

/* A new exchange for a request whose headers have arrived. */
Exchange *exchange_new(Server *s, struct MHD_Connection *connection, const char *path, const char *method, const char *version);
/* Writes the access log line, then releases. */
void exchange_end(Exchange *e);

/* Route, rights, version, ids and size by the headers alone. false: `response` holds the refusal. */
bool exchange_admit(Exchange *e);
/* Takes a piece of the body. false: the client sends without end; drop the connection. */
bool exchange_receive(Exchange *e, const char *data, size_t n);
/* The body is complete. false: it is too large; `response` holds the refusal. */
bool exchange_received(Exchange *e);
/* Runs the handler of one request, or of several whose routes have the same group handler; 1 <= n <= HTTP_MAX_GROUP. */
void exchange_handle(Exchange *const *exchanges, size_t n);
/* Queues `response`. */
enum MHD_Result exchange_send(Exchange *e);
/* Fills `response` with {"error","description"}. */
void exchange_refuse(Exchange *e, int status, const char *word, const char *description);

#endif
