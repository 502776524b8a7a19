/*
 * Two queues with their threads: one request at a time for routes that block, all that have come since the last turn for routes whose requests
 * are answered together. A waiting route's request gets a thread of its own.
 */
#include "http/workers.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>

#define MAX_WAITING 128

typedef struct Queue {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t filled;
    Exchange *first, **end;
    bool stop;
    int thread_count;
    pthread_t *threads;
    Workers *workers;
} Queue;

struct Workers {
    Queue blocking, grouped;
    atomic_int suspended; /* connections */
    atomic_int waiting;   /* of them on threads of their own */
    atomic_bool closed;
};

static void give_back(Workers *w, Exchange *e)
{
    MHD_resume_connection(e->connection);
    atomic_fetch_sub(&w->suspended, 1);
}

/* The next requests that one call can answer; 0 at the stop. */
static size_t take(Queue *q, Exchange **ret)
{
    size_t n = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->stop)
        pthread_cond_wait(&q->filled, &q->lock);
    GroupHandler group = q->first ? q->first->route->group : NULL;
    while (q->first && (n == 0 || (group && n < HTTP_MAX_GROUP && q->first->route->group == group))) {
        ret[n++] = q->first;
        q->first = q->first->next;
    }
    if (!q->first)
        q->end = &q->first;
    pthread_mutex_unlock(&q->lock);
    return n;
}

static void *run(void *context)
{
    Queue *q = context;
    Exchange *exchanges[HTTP_MAX_GROUP];
    for (size_t n; (n = take(q, exchanges)) > 0;) {
        exchange_handle(exchanges, n);
        for (size_t i = 0; i < n; i++)
            give_back(q->workers, exchanges[i]);
    }
    return NULL;
}

static bool start_queue(Queue *q, Workers *w, int threads)
{
    *q = (Queue){.end = &q->first, .workers = w, .threads = xcalloc((size_t)threads, sizeof(*q->threads))};
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    while (q->thread_count < threads && pthread_create(&q->threads[q->thread_count], NULL, run, q) == 0)
        q->thread_count++;
    return q->thread_count == threads;
}

static void stop_queue(Queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
    for (int i = 0; i < q->thread_count; i++)
        pthread_join(q->threads[i], NULL);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->threads);
}

static void append(Queue *q, Exchange *e)
{
    pthread_mutex_lock(&q->lock);
    *q->end = e;
    q->end = &e->next;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

static void *run_waiting(void *context)
{
    Exchange *e = context;
    Workers *w = e->server->workers;
    exchange_handle(&e, 1);
    atomic_fetch_sub(&w->waiting, 1);
    give_back(w, e);
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

static bool start_waiting(Workers *w, Exchange *e)
{
    if (atomic_fetch_add(&w->waiting, 1) < MAX_WAITING) {
        MHD_suspend_connection(e->connection);
        if (start_thread(e))
            return true;
        MHD_resume_connection(e->connection);
    }
    atomic_fetch_sub(&w->waiting, 1);
    return false;
}

bool workers_start(int threads, Workers **ret, Error *err)
{
    Workers *w = *ret = xcalloc(1, sizeof(*w));
    bool blocking = start_queue(&w->blocking, w, threads), grouped = start_queue(&w->grouped, w, 1);
    if (blocking && grouped)
        return true;
    *ret = workers_stop(w);
    return error_set(err, ERR_INVALID, "cannot start %d HTTP threads; choose fewer", threads);
}

static bool refuse(Workers *w, Exchange *e, const char *description)
{
    exchange_refuse(e, MHD_HTTP_SERVICE_UNAVAILABLE, "TooManyRequests", description);
    e->response.retry_after_seconds = 5;
    atomic_fetch_sub(&w->suspended, 1);
    return false;
}

/* Counted before the look at `closed`, so that who closes sees it or it sees that. */
bool workers_take(Workers *w, Exchange *e)
{
    atomic_fetch_add(&w->suspended, 1);
    if (atomic_load(&w->closed))
        return refuse(w, e, "The broker is stopping; send this request again.");
    if (e->route->work == WORK_WAITS)
        return start_waiting(w, e) || refuse(w, e, "Too many requests are waiting; send this one again later.");
    MHD_suspend_connection(e->connection);
    append(e->route->group ? &w->grouped : &w->blocking, e);
    return true;
}

bool workers_busy(const Workers *w)
{
    return atomic_load(&w->suspended) > 0;
}

void workers_close(Workers *w)
{
    atomic_store(&w->closed, true);
    while (workers_busy(w))
        clock_sleep_ms(1);
}

Workers *workers_stop(Workers *w)
{
    if (w) {
        stop_queue(&w->blocking);
        stop_queue(&w->grouped);
        free(w);
    }
    return NULL;
}
