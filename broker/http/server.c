/*
 * The HTTP server on libmicrohttpd: a pool of polling threads, each serving many connections. Handlers block their pool thread
 * for as long as a database answer takes; those of waiting routes run on threads of their own while their connection is suspended.
 */
#include "http/exchange.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
#define MAX_WAITING 128
#define IDLE_SECONDS 65 /* longer than the usual 60 s of load balancers and platforms */
#define BACKLOG 511

static void *run_waiting(void *context)
{
    Exchange *e = context;
    Server *s = e->server;
    exchange_handle(e);
    MHD_resume_connection(e->connection);
    atomic_fetch_sub(&s->waiting, 1);
    return NULL;
}

static bool start_thread(Exchange *e)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, run_waiting, e) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static enum MHD_Result handle_waiting(Exchange *e)
{
    Server *s = e->server;
    if (atomic_fetch_add(&s->waiting, 1) < MAX_WAITING) {
        MHD_suspend_connection(e->connection);
        if (start_thread(e))
            return MHD_YES; /* from here on the exchange is the thread's, until it resumes the connection */
        MHD_resume_connection(e->connection);
    }
    atomic_fetch_sub(&s->waiting, 1);
    exchange_refuse(e, MHD_HTTP_SERVICE_UNAVAILABLE, "TooManyRequests", "Too many requests are waiting; send this one again later.");
    e->response.retry_after_seconds = 5;
    return exchange_send(e);
}

static enum MHD_Result on_call(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                               const char *version, const char *data, size_t *data_len, void **state)
{
    (void)version;
    Exchange *e = *state;
    if (!e) {
        *state = e = exchange_new(context, connection, path, method);
        /* An answer to this first call ends the connection: right when a body would have to be read, a waste otherwise. */
        return exchange_admit(e) || !e->has_body ? MHD_YES : exchange_send(e);
    }
    if (*data_len > 0) {
        bool more = exchange_receive(e, data, *data_len);
        *data_len = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (!e->handled && e->route->waits)
        return handle_waiting(e);
    if (!e->handled)
        exchange_handle(e);
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
    if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && e->has_body && e->received == 0) {
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

static bool listen_on(const ServerOptions *o, int *ret_fd, int *ret_port, Error *err)
{
    char service[8];
    snprintf(service, sizeof(service), "%d", o->port);
    struct addrinfo *found, hints = {.ai_family = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (getaddrinfo(o->address, service, &hints, &found) != 0)
        return error_set(err, ERR_INVALID, "\"%s\" is not an address to listen on; write an IP address such as 0.0.0.0", o->address);
    int on = 1, off = 0, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                 (found->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
                 bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    int failure = errno;
    freeaddrinfo(found);
    struct sockaddr_storage at;
    socklen_t at_len = sizeof(at);
    if (bound && getsockname(fd, (struct sockaddr *)&at, &at_len) == 0) {
        *ret_port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                                   : ((struct sockaddr_in *)&at)->sin_port);
        *ret_fd = fd;
        return true;
    }
    if (fd >= 0)
        close(fd);
    return error_set(err, ERR_INVALID, "listen on %s port %d: %s; choose another address or port", o->address, o->port,
                     strerror(failure));
}

bool server_start(const ServerOptions *options, Server **ret, Error *err)
{
    int fd = -1, port = 0;
    if (!listen_on(options, &fd, &port, err))
        return false;
    Server *s = xcalloc(1, sizeof(*s));
    s->routes = options->routes;
    s->context = options->context;
    s->encode_error = options->encode_error;
    s->port = port;
    auth_init(&s->auth, options->username, options->password);
    s->linger = linger_start();
    unsigned threads = options->threads > 1 ? (unsigned)options->threads : 0; /* 0: the one polling thread */
    s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL,
                                 NULL, on_call, s, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                                 MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        linger_stop(s->linger);
        free(s);
        return error_set(err, ERR_INVALID, "cannot start %d HTTP threads; choose fewer", options->threads);
    }
    *ret = s;
    return true;
}

int server_port(const Server *s)
{
    return s->port;
}

Server *server_stop(Server *s, int grace_ms)
{
    if (!s)
        return NULL;
    atomic_store(&s->stopping, true);
    int fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    for (int64_t end = clock_ms() + grace_ms;
         atomic_load(&s->waiting) > 0 || (atomic_load(&s->running) > 0 && clock_ms() < end);)
        clock_sleep_ms(5);
    MHD_stop_daemon(s->daemon);
    linger_stop(s->linger);
    free(s);
    return NULL;
}
