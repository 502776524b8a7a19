/* One thread that looks at all sockets four times a second. */
#include "http/ends.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_NS 250000000L

struct Ends {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the first socket came, or the stop */
    End *first;
    bool stop;
    int waiting_ms;
};

/* Shutting down what has ended changes nothing but wakes who waits for the socket. */
static void look(const Ends *e)
{
    char next;
    int64_t oldest = clock_ms() - e->waiting_ms;
    for (const End *end = e->first; end; end = end->next) {
        int64_t since = atomic_load(&end->waiting_since_ms);
        if (since && since < oldest)
            shutdown(end->fd, SHUT_RDWR);
        else if (recv(end->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
            shutdown(end->fd, SHUT_RD);
    }
}

static void *run(void *context)
{
    Ends *e = context;
    pthread_mutex_lock(&e->lock);
    while (!e->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        if (!e->first)
            pthread_cond_wait(&e->changed, &e->lock);
        else
            while (!e->stop && pthread_cond_timedwait(&e->changed, &e->lock, &until) == 0)
                ;
        look(e);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

Ends *ends_start(int waiting_ms)
{
    Ends *e = xcalloc(1, sizeof(*e));
    e->waiting_ms = waiting_ms;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&e->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&e->lock, NULL);
    if (pthread_create(&e->thread, NULL, run, e) != 0)
        abort();
    return e;
}

void ends_add(Ends *e, End *end)
{
    pthread_mutex_lock(&e->lock);
    end->previous = NULL;
    end->next = e->first;
    if (e->first)
        e->first->previous = end;
    else
        pthread_cond_signal(&e->changed);
    e->first = end;
    pthread_mutex_unlock(&e->lock);
}

void ends_remove(Ends *e, End *end)
{
    pthread_mutex_lock(&e->lock);
    if (end->previous)
        end->previous->next = end->next;
    else
        e->first = end->next;
    if (end->next)
        end->next->previous = end->previous;
    pthread_mutex_unlock(&e->lock);
}

Ends *ends_stop(Ends *e)
{
    if (e) {
        pthread_mutex_lock(&e->lock);
        e->stop = true;
        pthread_cond_signal(&e->changed);
        pthread_mutex_unlock(&e->lock);
        pthread_join(e->thread, NULL);
        pthread_cond_destroy(&e->changed);
        pthread_mutex_destroy(&e->lock);
        free(e);
    }
    return NULL;
}
