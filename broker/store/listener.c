/* Waiting for notifications on a connection of its own, wakeable from other threads. */
#include "store/db.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECONNECT_PAUSE_MS 1000

struct Listener {
    char *conninfo;
    const char *channel;
    int wake_fd;
    Conn *conn; /* NULL while the database is away */
};

static bool subscribe(Listener *l, Error *err)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "listen %s", l->channel);
    CLEANUP(conn_close) Conn *c = NULL;
    if (!conn_open(l->conninfo, 0, &c, err) || !conn_command(c, sql, err))
        return false;
    l->conn = TAKE(c);
    return true;
}

bool store_listen(Store *store, const char *channel, Listener **ret, Error *err)
{
    static const char *const channels[] = {"cpbroker_work", "cpbroker_done"};
    CLEANUP(listener_free) Listener *l = xcalloc(1, sizeof(*l));
    l->wake_fd = -1;
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++)
        if (strcmp(channels[i], channel) == 0)
            l->channel = channels[i];
    if (!l->channel)
        return error_set(err, ERR_INVALID, "there is no channel %s", channel);
    l->conninfo = xstrdup(store_conninfo(store));
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd < 0)
        return error_set(err, ERR_RETRY, "no file descriptor is left for a listener");
    if (!subscribe(l, err))
        return false;
    *ret = TAKE(l);
    return true;
}

Listener *listener_free(Listener *l)
{
    if (!l)
        return NULL;
    conn_close(l->conn);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    secret_string_free(l->conninfo);
    free(l);
    return NULL;
}

void listener_wake(Listener *l)
{
    uint64_t one = 1;
    ssize_t written = write(l->wake_fd, &one, sizeof(one));
    (void)written; /* full means that it is awake already */
}

/* Whether listener_wake was called since the last time; waits up to timeout_ms for it, or for input on `fd` (-1 = none). */
static bool woken(Listener *l, int fd, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = l->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    uint64_t count;
    poll(fds, 2, timeout_ms);
    return read(l->wake_fd, &count, sizeof(count)) == sizeof(count);
}

/* The database is away: reconnects, after a pause so that a caller's loop does not spin. */
static bool reconnect(Listener *l, int timeout_ms, char **ret_payload, Error *err)
{
    if (subscribe(l, err)) {
        *ret_payload = NULL; /* notifications may have been missed: the caller looks */
        return true;
    }
    if (!woken(l, -1, timeout_ms < RECONNECT_PAUSE_MS ? timeout_ms : RECONNECT_PAUSE_MS))
        return false;
    *ret_payload = NULL;
    return true;
}

bool listener_wait(Listener *l, int timeout_ms, char **ret_payload, Error *err)
{
    if (!l->conn)
        return reconnect(l, timeout_ms, ret_payload, err);
    int64_t end = clock_ms() + timeout_ms;
    for (;;) {
        PGnotify *notification = PQnotifies(l->conn->pg);
        if (notification) {
            *ret_payload = xstrdup(notification->extra);
            PQfreemem(notification);
            return true;
        }
        int64_t left = end - clock_ms();
        if (woken(l, PQsocket(l->conn->pg), left > 0 ? (int)left : 0)) {
            *ret_payload = NULL;
            return true;
        }
        if (!PQconsumeInput(l->conn->pg) || PQstatus(l->conn->pg) != CONNECTION_OK) {
            l->conn = conn_close(l->conn);
            return error_set(err, ERR_RETRY, "the connection to the database was lost (listen %s)", l->channel);
        }
        if (left <= 0) {
            notification = PQnotifies(l->conn->pg);
            *ret_payload = notification ? xstrdup(notification->extra) : NULL;
            PQfreemem(notification);
            return true;
        }
    }
}
