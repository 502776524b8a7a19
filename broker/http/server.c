/*
 * The HTTP server on libmicrohttpd: lanes, each one polling thread with many connections, which nothing may hold up. Handlers that block run on
 * other threads (http/workers.c).
 */
#include "http/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/workers.h"

#include <string.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define MAX_LANES 8 /* one per processor; what blocks is not their work */
#define HANDSHAKE_SECONDS 10
#define REFUSED_LOG_MS 60000 /* between two lines about it */
#define WAITING_SECONDS 75   /* for a whole head of a request; those that send nothing are idle before that */
#define IDLE_SECONDS 65 /* longer than the usual 60 s of load balancers and platforms */

static enum MHD_Result on_call(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                               const char *version, const char *data, size_t *data_len, void **state)
{
    Exchange *e = *state;
    if (!e) {
        *state = e = exchange_new(context, connection, path, method, version);
        /* An answer to this first call ends the connection: right when a body would have to be read, a waste otherwise. */
        return exchange_admit(e) || !e->framing.has_body ? MHD_YES : exchange_send(e);
    }
    if (*data_len > 0) {
        bool more = exchange_receive(e, data, *data_len);
        *data_len = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (!e->handled && exchange_received(e)) {
        if (e->route->work != WORK_QUICK)
            return workers_take(e->server->workers, e) ? MHD_YES : exchange_send(e);
        exchange_handle(&e, 1);
    }
    return exchange_send(e);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    Server *s = context;
    Exchange *e = *state;
    if (!e)
        return;
    *state = NULL;
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && e->framing.has_body && e->received == 0) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info)
            linger_keep(s->linger, info->connect_fd);
    }
    exchange_end(e);
}

/* Paths and arguments stay as sent; the router and request_query decode them. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what)
{
    Lane *lane = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        Peer *gone = TAKE(*state);
        ends_remove(lane->server->ends, &gone->end);
        free(gone);
        atomic_fetch_sub(&lane->connections, 1);
        return;
    }
    Peer *peer = xcalloc(1, sizeof(*peer));
    peer->address = address_of_peer(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    peer->trusted = proxies_trust(&lane->server->proxies, &peer->address);
    address_text(&peer->address, peer->text);
    peer->end.fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    atomic_init(&peer->end.waiting_since_ms, clock_ms());
    ends_add(lane->server->ends, &peer->end);
    *state = peer;
}

static void take_encrypted(void *context, int fd, const struct sockaddr *address, socklen_t address_len)
{
    Server *s = context;
    tls_bridge_add(s->bridge, fd, address, address_len);
}

static void refuse_connection(void *context, int fd)
{
    Server *s = context;
    int64_t now = clock_ms();
    close(fd);
    if (now - atomic_load(&s->refused_ms) < REFUSED_LOG_MS)
        return;
    atomic_store(&s->refused_ms, now);
    log_event(LOG_WARN, "connections are refused: too many are open", NULL);
}

static void take_connection(void *context, int fd, const struct sockaddr *address, socklen_t address_len)
{
    Server *s = context;
    Lane *best = &s->lanes[0];
    for (int i = 1; i < s->lane_count; i++)
        if (atomic_load(&s->lanes[i].connections) < atomic_load(&best->connections))
            best = &s->lanes[i];
    if (atomic_fetch_add(&best->connections, 1) >= s->lane_limit) {
        atomic_fetch_sub(&best->connections, 1);
        refuse_connection(s, fd);
        return;
    }
    if (MHD_add_connection(best->daemon, fd, address, address_len) != MHD_YES) /* closes it then */
        atomic_fetch_sub(&best->connections, 1);
}

static bool start_lane(Server *s, Lane *lane)
{
    lane->server = s;
    lane->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
        on_call, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->lane_limit + 1, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, lane,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    return lane->daemon != NULL;
}

/* Bytes that the lanes have written are sent by the bridge after they are gone. */
static void release(Server *s)
{
    if (s->bridge)
        tls_bridge_close(s->bridge);
    for (int i = 0; i < s->lane_count; i++)
        if (s->lanes[i].daemon)
            MHD_stop_daemon(s->lanes[i].daemon);
    tls_bridge_stop(s->bridge);
    workers_stop(s->workers);
    linger_stop(s->linger);
    ends_stop(s->ends);
    auth_clear(&s->auth);
    proxies_clear(&s->proxies);
    free(s->lanes);
    free(s);
}

static bool start_lanes(Server *s, Error *err)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    s->lane_count = processors < 1 ? 1 : processors > MAX_LANES ? MAX_LANES : (int)processors;
    s->lane_limit = (MAX_CONNECTIONS + s->lane_count - 1) / s->lane_count;
    s->lanes = xcalloc((size_t)s->lane_count, sizeof(*s->lanes));
    for (int i = 0; i < s->lane_count; i++)
        if (!start_lane(s, &s->lanes[i]))
            return error_set(err, ERR_INVALID, "cannot start the HTTP server's threads: the system has none left");
    return true;
}

static bool start_bridge(Server *s, const TlsServerOptions *tls, Error *err)
{
    if (!tls)
        return true;
    const TlsBridgeOptions options = {.tls = *tls, .max_connections = MAX_CONNECTIONS, .handshake_ms = HANDSHAKE_SECONDS * 1000,
                                      .idle_ms = IDLE_SECONDS * 1000, .take = take_connection, .refuse = refuse_connection, .context = s};
    return tls_bridge_start(&options, &s->bridge, err);
}

bool server_start(const ServerOptions *options, Server **ret, Error *err)
{
    Server *s = xcalloc(1, sizeof(*s));
    s->refused_ms = -REFUSED_LOG_MS;
    s->routes = options->routes;
    s->context = options->context;
    s->encode_error = options->encode_error;
    auth_add(&s->auth, options->username, options->password);
    if (options->second_username && *options->second_username)
        auth_add(&s->auth, options->second_username, options->second_password);
    s->linger = linger_start();
    s->ends = ends_start(WAITING_SECONDS * 1000);
    if (!proxies_parse(options->trusted_proxies ? options->trusted_proxies : "", &s->proxies, err) ||
        !acceptor_listen(options->address, options->port, &s->acceptor, err) || !workers_start(options->threads, &s->workers, err) || !start_lanes(s, err) ||
        !start_bridge(s, options->tls, err)) {
        acceptor_stop(s->acceptor);
        release(s);
        return false;
    }
    acceptor_start(s->acceptor, s->bridge ? take_encrypted : take_connection, s);
    *ret = s;
    return true;
}

void server_reload(Server *s)
{
    if (s->bridge)
        tls_bridge_reload(s->bridge);
}

int server_port(const Server *s)
{
    return acceptor_port(s->acceptor);
}

Server *server_stop(Server *s, int grace_ms)
{
    if (!s)
        return NULL;
    atomic_store(&s->stopping, true);
    acceptor_stop(s->acceptor);
    for (int64_t end = clock_ms() + grace_ms;
         workers_busy(s->workers) || (atomic_load(&s->running) > 0 && clock_ms() < end);)
        clock_sleep_ms(5);
    workers_close(s->workers);
    release(s);
    return NULL;
}
