/* One thread that drains the sockets of refused requests. */
#include "http/linger.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_SOCKETS 64
#define MAX_MS 2000
#define MAX_BYTES (8 * 1024 * 1024)

typedef struct Socket {
    int fd;
    int64_t until_ms;
    size_t bytes;
} Socket;

struct Linger {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake;
    bool stop;
    size_t count;
    Socket sockets[MAX_SOCKETS];
};

/* Reads what is there; false when the socket is done. */
static bool drain(Socket *s, int64_t now)
{
    char sink[16 * 1024];
    ssize_t got;
    while ((got = recv(s->fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0) {
        s->bytes += (size_t)got;
        if (s->bytes > MAX_BYTES)
            return false;
    }
    return got < 0 && now < s->until_ms;
}

static size_t prepare(Linger *l, struct pollfd *polled)
{
    pthread_mutex_lock(&l->lock);
    polled[0] = (struct pollfd){.fd = l->wake, .events = POLLIN};
    int64_t now = clock_ms();
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (!l->stop && drain(&l->sockets[i], now)) {
            polled[kept + 1] = (struct pollfd){.fd = l->sockets[i].fd, .events = POLLIN};
            l->sockets[kept++] = l->sockets[i];
        } else {
            close(l->sockets[i].fd);
        }
    }
    l->count = kept;
    size_t n = l->stop ? 0 : kept + 1;
    pthread_mutex_unlock(&l->lock);
    return n;
}

static void *run(void *context)
{
    Linger *l = context;
    struct pollfd polled[MAX_SOCKETS + 1];
    for (size_t n; (n = prepare(l, polled)) > 0;) {
        poll(polled, (nfds_t)n, n > 1 ? 200 : -1);
        eventfd_t ignored;
        if (polled[0].revents)
            eventfd_read(l->wake, &ignored);
    }
    return NULL;
}

Linger *linger_start(void)
{
    Linger *l = xcalloc(1, sizeof(*l));
    pthread_mutex_init(&l->lock, NULL);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake < 0 || pthread_create(&l->thread, NULL, run, l) != 0)
        abort();
    return l;
}

void linger_keep(Linger *l, int fd)
{
    pthread_mutex_lock(&l->lock);
    int copy = l->count < MAX_SOCKETS && !l->stop ? dup(fd) : -1;
    if (copy >= 0) {
        shutdown(copy, SHUT_WR);
        l->sockets[l->count++] = (Socket){.fd = copy, .until_ms = clock_ms() + MAX_MS};
        eventfd_write(l->wake, 1);
    }
    pthread_mutex_unlock(&l->lock);
}

Linger *linger_stop(Linger *l)
{
    if (l) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        eventfd_write(l->wake, 1);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
        close(l->wake);
        pthread_mutex_destroy(&l->lock);
        free(l);
    }
    return NULL;
}
