/* The listening socket and its thread. */
#include "http/acceptor.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BACKLOG 511
#define PAUSE_MS 20 /* when no descriptor is left */

struct Acceptor {
    int fd, port, wake;
    bool started;
    pthread_t thread;
    TakeConnection take;
    void *context;
};

static bool open_socket(const char *address, int port, int *ret_fd, int *ret_port, Error *err)
{
    char service[8];
    snprintf(service, sizeof(service), "%d", port);
    struct addrinfo *found, hints = {.ai_family = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (getaddrinfo(address, service, &hints, &found) != 0)
        return error_set(err, ERR_INVALID, "\"%s\" is not an address to listen on; write an IP address such as 0.0.0.0", address);
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
    return error_set(err, ERR_INVALID, "listen on %s port %d: %s; choose another address or port", address, port,
                     strerror(failure));
}

bool acceptor_listen(const char *address, int port, Acceptor **ret, Error *err)
{
    int fd = -1, bound_port = 0;
    if (!open_socket(address, port, &fd, &bound_port, err))
        return false;
    Acceptor *a = xcalloc(1, sizeof(*a));
    *a = (Acceptor){.fd = fd, .port = bound_port, .wake = eventfd(0, EFD_CLOEXEC)};
    *ret = a;
    return true;
}

int acceptor_port(const Acceptor *a)
{
    return a->port;
}

/* Takes what waits; false when there is nothing (more). */
static bool accept_one(Acceptor *a)
{
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    int on = 1, fd = accept4(a->fd, (struct sockaddr *)&from, &from_len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        a->take(a->context, fd, (struct sockaddr *)&from, from_len);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        clock_sleep_ms(PAUSE_MS);
    return errno == ECONNABORTED || errno == EINTR;
}

static void *run(void *context)
{
    Acceptor *a = context;
    struct pollfd polled[] = {{.fd = a->wake, .events = POLLIN}, {.fd = a->fd, .events = POLLIN}};
    while (poll(polled, 2, -1) < 0 || !polled[0].revents)
        while (accept_one(a))
            ;
    return NULL;
}

void acceptor_start(Acceptor *a, TakeConnection take, void *context)
{
    a->take = take;
    a->context = context;
    a->started = true;
    if (a->wake < 0 || pthread_create(&a->thread, NULL, run, a) != 0)
        abort();
}

Acceptor *acceptor_stop(Acceptor *a)
{
    if (a) {
        if (a->started) {
            eventfd_write(a->wake, 1);
            pthread_join(a->thread, NULL);
        }
        close(a->fd);
        close(a->wake);
        free(a);
    }
    return NULL;
}
