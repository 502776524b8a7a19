/* TCP as a stream: a non-blocking socket that waits in poll(2) up to the deadline. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/stream.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct TcpStream {
    Stream stream;
    int fd;
} TcpStream;

/* Waits for `events`. false: errno, ETIMEDOUT at the deadline. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - clock_ms();
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0 && left <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}

static bool failed(Error *err, const char *what)
{
    return error_set(err, ERR_RETRY, "%s: %s", what, errno == ETIMEDOUT ? "timed out" : strerror(errno));
}

static bool tcp_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    int fd = ((TcpStream *)s)->fd;
    for (;;) {
        ssize_t n = recv(fd, buffer, max, 0);
        if (n >= 0) {
            *ret_n = (size_t)n;
            return true;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return failed(err, "reading from the connection");
        if (!wait_for(fd, POLLIN, deadline_ms))
            return failed(err, "reading from the connection");
    }
}

static bool tcp_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    int fd = ((TcpStream *)s)->fd;
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, (const char *)bytes + done, n - done, MSG_NOSIGNAL);
        if (sent >= 0) {
            done += (size_t)sent;
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return failed(err, "writing to the connection");
        if (!wait_for(fd, POLLOUT, deadline_ms))
            return failed(err, "writing to the connection");
    }
    return true;
}

static void tcp_free(Stream *s)
{
    close(((TcpStream *)s)->fd);
    free(s);
}

static const StreamOps tcp_ops = {tcp_read, tcp_write, tcp_free};

static bool finish_connect(int fd, int64_t deadline_ms)
{
    int failure = 0;
    socklen_t size = sizeof(failure);
    if (!wait_for(fd, POLLOUT, deadline_ms) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        return false;
    errno = failure;
    return failure == 0;
}

/* A connected socket, or -1 with errno. */
static int connect_one(const struct addrinfo *address, int64_t deadline_ms)
{
    static const int on = 1, idle_seconds = 30, interval_seconds = 10, probes = 3;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0)
        return -1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0 &&
        !(errno == EINPROGRESS && finish_connect(fd, deadline_ms))) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof(interval_seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    return fd;
}

/* Tries each address with an equal share of the time left, so that a silent first one does not use it all. */
static int connect_any(const struct addrinfo *addresses, int64_t deadline_ms)
{
    int fd = -1, left = 0;
    for (const struct addrinfo *a = addresses; a; a = a->ai_next)
        left++;
    for (const struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next, left--) {
        int64_t now = clock_ms();
        fd = connect_one(a, now + (deadline_ms - now) / left);
    }
    return fd;
}

bool tcp_stream_new(const char *host, const char *port, int64_t deadline_ms, Stream **ret, Error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    int problem = getaddrinfo(host, port, &hints, &addresses);
    if (problem != 0)
        return error_set(err, ERR_RETRY, "cannot connect to %s:%s: %s", host, port,
                         problem == EAI_SYSTEM ? strerror(errno) : gai_strerror(problem));
    int fd = connect_any(addresses, deadline_ms);
    int reason = errno;
    freeaddrinfo(addresses);
    if (fd < 0)
        return error_set(err, ERR_RETRY, "cannot connect to %s:%s: %s", host, port,
                         reason == ETIMEDOUT ? "timed out" : strerror(reason));
    TcpStream *s = xcalloc(1, sizeof(*s));
    s->stream.ops = &tcp_ops;
    s->fd = fd;
    *ret = &s->stream;
    return true;
}
