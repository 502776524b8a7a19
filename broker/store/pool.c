/* The pool: connections are opened when first needed, checked before use, and replaced when broken. */
#include "store/db.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define MAX_CONNECTIONS 256
#define STATEMENT_TIMEOUT_MS 10000

struct Store {
    char *conninfo;
    int limit, wait_ms;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t freed;
    int open;             /* idle and in use */
    int idle_count;
    Conn *idle[MAX_CONNECTIONS]; /* a stack: the warmest is used first */
};

static bool conninfo_parses(const char *conninfo)
{
    char *message = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &message);
    bool parsed = options != NULL;
    PQconninfoFree(options);
    PQfreemem(message); /* it may quote the password */
    return parsed;
}

bool store_open(const char *conninfo, int connections, int wait_ms, Store **ret, Error *err)
{
    if (connections < 1 || connections > MAX_CONNECTIONS)
        return error_set(err, ERR_INVALID, "database connections must be 1 to %d, not %d", MAX_CONNECTIONS, connections);
    if (!conninfo_parses(conninfo))
        return error_set(err, ERR_INVALID, "the database's connection string does not parse; write a libpq URI (postgresql://…) or key=value pairs");
    Store *store = xcalloc(1, sizeof(*store));
    store->conninfo = xstrdup(conninfo);
    store->limit = connections;
    store->wait_ms = wait_ms;
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    *ret = store;
    return true;
}

Store *store_close(Store *store)
{
    if (!store)
        return NULL;
    for (int i = 0; i < store->idle_count; i++)
        conn_close(store->idle[i]);
    pthread_cond_destroy(&store->freed);
    pthread_mutex_destroy(&store->lock);
    secret_string_free(store->conninfo);
    free(store);
    return NULL;
}

const char *store_conninfo(const Store *store)
{
    return store->conninfo;
}

/* A connection that was counted in `open` is no more. */
static void forget_one(Store *store)
{
    pthread_mutex_lock(&store->lock);
    store->open--;
    pthread_cond_signal(&store->freed);
    pthread_mutex_unlock(&store->lock);
}

/* Takes an idle connection (*ret) or the right to open one (*ret = NULL). */
static bool take_place(Store *store, Conn **ret, Error *err)
{
    int64_t end_ms = clock_ms() + store->wait_ms;
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
    int waited = 0;
    pthread_mutex_lock(&store->lock);
    while (store->idle_count == 0 && store->open >= store->limit && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&store->freed, &store->lock, &end);
    bool taken = store->idle_count > 0 || store->open < store->limit;
    if (store->idle_count > 0)
        *ret = store->idle[--store->idle_count];
    else if (taken) {
        store->open++;
        *ret = NULL;
    }
    pthread_mutex_unlock(&store->lock);
    return taken || error_set(err, ERR_RETRY, "all %d database connections were busy for %d ms", store->limit, store->wait_ms);
}

bool store_acquire(Store *store, Conn **ret, Error *err)
{
    Conn *c;
    if (!take_place(store, &c, err))
        return false;
    if (c && !conn_alive(c))
        c = conn_close(c);
    if (!c && !conn_open(store->conninfo, STATEMENT_TIMEOUT_MS, &c, err)) {
        forget_one(store);
        return false;
    }
    *ret = c;
    return true;
}

void store_release(Store *store, Conn *c)
{
    if (PQstatus(c->pg) != CONNECTION_OK || PQtransactionStatus(c->pg) != PQTRANS_IDLE ||
        PQpipelineStatus(c->pg) != PQ_PIPELINE_OFF) {
        conn_close(c);
        forget_one(store);
        return;
    }
    pthread_mutex_lock(&store->lock);
    store->idle[store->idle_count++] = c;
    pthread_cond_signal(&store->freed);
    pthread_mutex_unlock(&store->lock);
}
