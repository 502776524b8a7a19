/* The threads of the bridge: each waits for the sockets of its connections. */
#include "net/tls_bridge.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/tls_relay.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS 2
#define MAX_EVENTS 64
#define SWEEP_MS 250    /* between two looks at deadlines */
#define REFRESH_MS 5000 /* between two looks at the certificate's files */
#define DRAIN_MS 2000
#define STOP_MS 1000
#define STOP_DRAIN_MS 200

typedef struct Worker {
    TlsBridge *bridge;
    bool refreshes; /* looks at the certificate's files */
    pthread_t thread;
    int wake;
    pthread_mutex_t lock; /* of `arrived` */
    Relay *arrived;       /* linked by `next` */
    Relay *relays;
    Relay *again; /* linked by `next_again` */
    Relay *dead;  /* linked by `next_dead` */
    int64_t swept_ms, refreshed_ms, stop_ms;
    RelayTools tools;
} Worker;

struct TlsBridge {
    TlsBridgeOptions options;
    TlsServer *tls;
    atomic_int connections;
    atomic_uint turn;
    atomic_bool reload, stop;
    pthread_mutex_t gate; /* of `closed`, and around each call of `take` */
    bool closed;
    Worker workers[WORKERS];
};

static bool open_plain(void *context, int fd, const struct sockaddr *address, socklen_t address_len)
{
    TlsBridge *b = context;
    pthread_mutex_lock(&b->gate);
    bool open = !b->closed;
    if (open)
        b->options.take(b->options.context, fd, address, address_len);
    pthread_mutex_unlock(&b->gate);
    return open;
}

/* A connection that is done is released at the end of the round: its other events may still name it. */
static void mark_dead(Worker *w, Relay *r)
{
    r->state = RELAY_DONE;
    r->dead = true;
    r->next_dead = w->dead;
    w->dead = r;
}

static void step(Worker *w, Relay *r)
{
    bool more = relay_step(r, &w->tools);
    if (r->state == RELAY_DONE && !r->dead) {
        mark_dead(w, r);
    } else if (more && !r->again) {
        r->again = true;
        r->next_again = w->again;
        w->again = r;
    }
}

static void step_again(Worker *w)
{
    Relay *list = TAKE(w->again);
    for (Relay *r = list, *next; r; r = next) {
        next = r->next_again;
        r->again = false;
        step(w, r);
    }
}

static void take_arrived(Worker *w)
{
    eventfd_t ignored;
    eventfd_read(w->wake, &ignored);
    pthread_mutex_lock(&w->lock);
    Relay *list = TAKE(w->arrived);
    pthread_mutex_unlock(&w->lock);
    for (Relay *r = list, *next; r; r = next) {
        next = r->next;
        r->previous = NULL;
        r->next = w->relays;
        if (w->relays)
            w->relays->previous = r;
        w->relays = r;
        relay_begin(r, &w->tools);
        step(w, r);
    }
}

/* Whether a connection's time is over. When all ends, none begins any more and none waits for a client that does not close. */
static bool overdue(const Worker *w, const Relay *r, int64_t now)
{
    return (r->deadline_ms && now >= r->deadline_ms) || (w->stop_ms && (r->state == RELAY_HANDSHAKE || now >= w->stop_ms));
}

static void sweep(Worker *w, int64_t now)
{
    if (now - w->swept_ms < SWEEP_MS && !w->stop_ms)
        return;
    w->swept_ms = now;
    for (Relay *r = w->relays; r; r = r->next) {
        if (!r->again && !r->dead && overdue(w, r, now))
            mark_dead(w, r);
        else
            relay_remind(r);
    }
}

static void bury(Worker *w)
{
    for (Relay *r = TAKE(w->dead), *next; r; r = next) {
        next = r->next_dead;
        if (r->previous)
            r->previous->next = r->next;
        else
            w->relays = r->next;
        if (r->next)
            r->next->previous = r->previous;
        relay_free(r);
        atomic_fetch_sub(&w->bridge->connections, 1);
    }
}

static void refresh(Worker *w, int64_t now)
{
    bool asked = atomic_exchange(&w->bridge->reload, false);
    if (!asked && now - w->refreshed_ms < REFRESH_MS)
        return;
    w->refreshed_ms = now;
    tls_server_refresh(w->bridge->tls, asked);
}

static void begin_stop(Worker *w, int64_t now)
{
    take_arrived(w);
    w->stop_ms = now + STOP_MS;
    w->tools.drain_ms = STOP_DRAIN_MS;
    for (Relay *r = w->relays; r; r = r->next)
        if (r->state == RELAY_DRAIN)
            r->deadline_ms = now + STOP_DRAIN_MS;
}

/* One round. false: all is closed and no more comes. */
static bool turn(Worker *w)
{
    struct epoll_event events[MAX_EVENTS];
    int timeout = w->again ? 0 : w->relays ? SWEEP_MS : w->refreshes ? REFRESH_MS : -1;
    int n = epoll_wait(w->tools.epoll, events, MAX_EVENTS, timeout);
    for (int i = 0; i < n; i++)
        if (events[i].data.ptr)
            step(w, events[i].data.ptr);
        else
            take_arrived(w);
    step_again(w);
    int64_t now = clock_ms();
    if (!w->stop_ms && atomic_load(&w->bridge->stop))
        begin_stop(w, now);
    if (w->refreshes)
        refresh(w, now);
    sweep(w, now);
    bury(w);
    return !w->stop_ms || w->relays;
}

static void *run(void *context)
{
    Worker *w = context;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE); /* OpenSSL writes with write(2) */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    w->refreshed_ms = clock_ms();
    while (turn(w))
        ;
    return NULL;
}

static void start_worker(TlsBridge *b, Worker *w)
{
    const TlsBridgeOptions *o = &b->options;
    w->bridge = b;
    w->refreshes = w == b->workers;
    w->tools = (RelayTools){.tls = b->tls, .epoll = epoll_create1(EPOLL_CLOEXEC), .handshake_ms = o->handshake_ms, .idle_ms = o->idle_ms,
                            .drain_ms = DRAIN_MS, .open = open_plain, .context = b};
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&w->lock, NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (w->tools.epoll < 0 || w->wake < 0 || epoll_ctl(w->tools.epoll, EPOLL_CTL_ADD, w->wake, &event) != 0 ||
        pthread_create(&w->thread, NULL, run, w) != 0)
        abort();
}

bool tls_bridge_start(const TlsBridgeOptions *options, TlsBridge **ret, Error *err)
{
    TlsServer *tls;
    if (!tls_server_new(&options->tls, &tls, err))
        return false;
    TlsBridge *b = xcalloc(1, sizeof(*b));
    b->options = *options;
    b->tls = tls;
    pthread_mutex_init(&b->gate, NULL);
    for (int i = 0; i < WORKERS; i++)
        start_worker(b, &b->workers[i]);
    *ret = b;
    return true;
}

void tls_bridge_add(TlsBridge *b, int fd, const struct sockaddr *address, socklen_t address_len)
{
    if (atomic_fetch_add(&b->connections, 1) >= b->options.max_connections) {
        atomic_fetch_sub(&b->connections, 1);
        b->options.refuse(b->options.context, fd);
        return;
    }
    Worker *w = &b->workers[atomic_fetch_add(&b->turn, 1) % WORKERS];
    Relay *r = relay_new(fd, address, address_len);
    pthread_mutex_lock(&w->lock);
    r->next = w->arrived;
    w->arrived = r;
    pthread_mutex_unlock(&w->lock);
    eventfd_write(w->wake, 1);
}

void tls_bridge_reload(TlsBridge *b)
{
    atomic_store(&b->reload, true);
    eventfd_write(b->workers[0].wake, 1);
}

void tls_bridge_close(TlsBridge *b)
{
    pthread_mutex_lock(&b->gate);
    b->closed = true;
    pthread_mutex_unlock(&b->gate);
}

TlsBridge *tls_bridge_stop(TlsBridge *b)
{
    if (!b)
        return NULL;
    atomic_store(&b->stop, true);
    for (int i = 0; i < WORKERS; i++)
        eventfd_write(b->workers[i].wake, 1);
    for (int i = 0; i < WORKERS; i++) {
        Worker *w = &b->workers[i];
        pthread_join(w->thread, NULL);
        close(w->wake);
        close(w->tools.epoll);
        pthread_mutex_destroy(&w->lock);
    }
    tls_server_free(b->tls);
    pthread_mutex_destroy(&b->gate);
    free(b);
    return NULL;
}
