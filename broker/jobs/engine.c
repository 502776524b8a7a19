/* Threads of the engine: workers that claim, one heartbeat that extends leases, one listener that wakes sleepers, one for upkeep. */
#include "base/clock.h"
#include "base/log.h"
#include "jobs/upkeep.h"
#include "jobs/worker.h"

#include <pthread.h>

#define POLL_FLOOR_MS 2000 /* workers look for due work at least so often, notified or not */
#define MIN_DOZE_MS 20     /* what is due may still wait for a worker that has to let go */

typedef struct Slot {
    Engine *engine;
    pthread_t thread;
    pthread_mutex_t lock; /* of `leased` */
    Operation leased;     /* id and epoch of what the worker holds; found = false: nothing */
    int64_t held_ms;      /* clock_ms() at which the lease was last known to be held */
    atomic_bool lost;
} Slot;

struct Engine {
    JobSettings settings;
    atomic_bool stopping;
    atomic_bool idle; /* no worker runs any more */
    pthread_mutex_t lock; /* of `wakes` */
    pthread_cond_t wake;
    unsigned wakes;
    pthread_t listener_thread, heartbeat_thread, upkeep_thread;
    Listener *listener;
    Slot *slots;
};

static void wake_all(Engine *e)
{
    pthread_mutex_lock(&e->lock);
    e->wakes++;
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

/* Sleeps until woken or until ms have passed; `seen` is the wake count that the caller has acted on. */
static void doze(Engine *e, unsigned seen, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&e->lock);
    while (e->wakes == seen && !atomic_load(&e->stopping))
        if (pthread_cond_timedwait(&e->wake, &e->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&e->lock);
}

static void slot_set(Slot *slot, const Operation *op)
{
    pthread_mutex_lock(&slot->lock);
    operation_clear(&slot->leased);
    atomic_store(&slot->lost, false);
    slot->held_ms = clock_ms();
    if (op)
        slot->leased = (Operation){.found = true, .id = xstrdup(op->id), .lease_epoch = op->lease_epoch};
    pthread_mutex_unlock(&slot->lock);
}

static unsigned wakes_seen(Engine *e)
{
    pthread_mutex_lock(&e->lock);
    unsigned seen = e->wakes;
    pthread_mutex_unlock(&e->lock);
    return seen;
}

/* Claims and runs one operation. false: nothing was due; *ret_wait_ms says for how long. */
static bool work_once(Slot *slot, Kube *kube, int *ret_wait_ms)
{
    const JobSettings *s = &slot->engine->settings;
    CLEANUP(operation_clear) Operation op = {0};
    Error err;
    if (!store_claim(s->store, s->owner, s->lease_seconds, &op, &err) ||
        (!op.found && !store_next_due_ms(s->store, POLL_FLOOR_MS, ret_wait_ms, &err))) {
        log_error("cannot ask for work", &err, NULL);
        *ret_wait_ms = POLL_FLOOR_MS;
        return false;
    }
    if (!op.found)
        return false;
    slot_set(slot, &op);
    worker_run(s, kube, &op, &slot->lost);
    slot_set(slot, NULL);
    return true;
}

static void *worker_main(void *argument)
{
    Slot *slot = argument;
    Engine *e = slot->engine;
    Kube *kube = NULL;
    while (!atomic_load(&e->stopping)) {
        Error err;
        int wait_ms = POLL_FLOOR_MS;
        unsigned seen = wakes_seen(e);
        if (!kube && !kube_new(e->settings.cluster, &kube, &err)) {
            log_error("no client for the cluster", &err, NULL);
            doze(e, seen, POLL_FLOOR_MS);
            continue;
        }
        if (!work_once(slot, kube, &wait_ms))
            doze(e, seen, wait_ms > MIN_DOZE_MS ? wait_ms : MIN_DOZE_MS);
    }
    kube_free(kube);
    return NULL;
}

/* A lease that could not be extended in time counts as lost: another process may hold it by now. */
static void beat(Engine *e, Slot *slot)
{
    Error err;
    pthread_mutex_lock(&slot->lock);
    if (slot->leased.found) {
        int64_t asked = clock_ms();
        if (store_heartbeat(e->settings.store, &slot->leased, e->settings.lease_seconds, &err))
            slot->held_ms = asked;
        else if (err.kind == ERR_LOST || clock_ms() - slot->held_ms > e->settings.lease_seconds * 900)
            atomic_store(&slot->lost, true);
    }
    pthread_mutex_unlock(&slot->lock);
}

static void *heartbeat_main(void *argument)
{
    Engine *e = argument;
    for (int64_t next = clock_ms(); !atomic_load(&e->idle); clock_sleep_ms(100)) {
        if (clock_ms() < next)
            continue;
        for (int i = 0; i < e->settings.workers; i++)
            beat(e, &e->slots[i]);
        next = clock_ms() + e->settings.lease_seconds * 1000 / 3;
    }
    return NULL;
}

static void *listener_main(void *argument)
{
    Engine *e = argument;
    while (!atomic_load(&e->stopping)) {
        Error err;
        CLEANUP_FREE char *payload = NULL;
        if (!listener_wait(e->listener, POLL_FLOOR_MS, &payload, &err)) {
            log_error("not notified of new work; polling goes on", &err, NULL);
            clock_sleep_ms(500);
        }
        if (payload)
            wake_all(e);
    }
    return NULL;
}

static void *upkeep_main(void *argument)
{
    Engine *e = argument;
    for (int64_t next = clock_ms(); !atomic_load(&e->stopping); clock_sleep_ms(100)) {
        if (clock_ms() < next)
            continue;
        upkeep(&e->settings);
        next = clock_ms() + e->settings.upkeep_seconds * 1000;
    }
    return NULL;
}

bool engine_start(const JobSettings *settings, Engine **ret, Error *err)
{
    Engine *e = xcalloc(1, sizeof(*e));
    pthread_condattr_t monotonic;
    e->settings = *settings;
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!store_listen(settings->store, "cpbroker_work", &e->listener, err)) {
        free(e);
        return error_wrap(err, "job engine");
    }
    e->slots = xcalloc((size_t)settings->workers, sizeof(*e->slots));
    for (int i = 0; i < settings->workers; i++) {
        e->slots[i].engine = e;
        pthread_mutex_init(&e->slots[i].lock, NULL);
        if (pthread_create(&e->slots[i].thread, NULL, worker_main, &e->slots[i]) != 0)
            abort();
    }
    if (pthread_create(&e->listener_thread, NULL, listener_main, e) != 0 ||
        pthread_create(&e->heartbeat_thread, NULL, heartbeat_main, e) != 0 ||
        pthread_create(&e->upkeep_thread, NULL, upkeep_main, e) != 0)
        abort();
    *ret = e;
    return true;
}

Engine *engine_stop(Engine *e)
{
    if (!e)
        return NULL;
    Error err;
    atomic_store(&e->stopping, true);
    wake_all(e);
    listener_wake(e->listener);
    for (int i = 0; i < e->settings.workers; i++)
        pthread_join(e->slots[i].thread, NULL);
    atomic_store(&e->idle, true);
    pthread_join(e->listener_thread, NULL);
    pthread_join(e->upkeep_thread, NULL);
    pthread_join(e->heartbeat_thread, NULL);
    for (int i = 0; i < e->settings.workers; i++) {
        operation_clear(&e->slots[i].leased);
        pthread_mutex_destroy(&e->slots[i].lock);
    }
    if (!store_release_all(e->settings.store, e->settings.owner, &err))
        log_error("leases not released; they expire by themselves", &err, NULL);
    listener_free(e->listener);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    free(e->slots);
    free(e);
    return NULL;
}
