/* Checks of waiting, exhaustion and a database that goes away. */
#include "store_driver.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Whether the next notification within 5 s carries this payload. */
static bool notified(Test *t, Listener *l, const char *payload)
{
    CLEANUP_FREE char *got = NULL;
    return listener_wait(l, 5000, &got, &t->err) && got && strcmp(got, payload) == 0;
}

/* Whether a wait for `ms` ends without a notification; *ret_ms = how long it took. */
static bool quiet(Test *t, Listener *l, int ms, int64_t *ret_ms)
{
    char *got = NULL;
    int64_t start = clock_ms();
    bool ok = listener_wait(l, ms, &got, &t->err) && !got;
    *ret_ms = clock_ms() - start;
    free(got);
    return ok;
}

static void check_notifications(Test *t)
{
    CLEANUP(listener_free) Listener *work = NULL;
    CLEANUP(listener_free) Listener *done = NULL;
    Listener *none = NULL;
    char id[37], second[37];
    int64_t ms;
    EXPECT_KIND(t, store_listen(t->store, "x; drop table instances", &none, &t->err), ERR_INVALID);
    EXPECT(t, store_listen(t->store, "cpbroker_work", &work, &t->err) && store_listen(t->store, "cpbroker_done", &done, &t->err));
    {
        CLEANUP(tx_free) Tx *tx = NULL;
        EXPECT(t, store_begin(t->store, &tx, &t->err));
        EXPECT(t, store_insert_operation(tx, &(NewOperation){OP_PROVISION, "a", NULL, 60, NULL, NULL, NULL}, id, &t->err));
    }
    EXPECT(t, quiet(t, work, 200, &ms) && ms >= 190 && ms < 2000);
    put_operation(t, OP_PROVISION, "a", NULL, id);
    EXPECT(t, notified(t, work, id));
    CLEANUP(operation_clear) Operation o = {0};
    claim(t, "w", &o);
    EXPECT(t, store_release_all(t->store, "w", &t->err) && notified(t, work, id));
    operation_clear(&o);
    claim(t, "w", &o);
    EXPECT(t, store_finish(t->store, &o, OPERATION_FAILED, "no", &t->err) && notified(t, done, id));
    put_operation(t, OP_DEPROVISION, "a", NULL, second);
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_cancel_operation(tx, "a", NULL, "why", &t->err) && store_commit(&tx, &t->err));
    EXPECT(t, notified(t, done, second) && notified(t, work, second));
}

static void *wake_thread(void *context)
{
    clock_sleep_ms(100);
    listener_wake(context);
    return NULL;
}

static void check_wake(Test *t)
{
    CLEANUP(listener_free) Listener *l = NULL;
    int64_t ms;
    EXPECT(t, store_listen(t->store, "cpbroker_work", &l, &t->err));
    if (!l)
        return;
    pthread_t thread;
    pthread_create(&thread, NULL, wake_thread, l);
    EXPECT(t, quiet(t, l, 10000, &ms) && ms < 5000);
    pthread_join(thread, NULL);
    listener_wake(l);
    EXPECT(t, quiet(t, l, 10000, &ms) && ms < 1000);
    EXPECT(t, quiet(t, l, 50, &ms) && ms >= 45);
}

static void check_pool(Test *t)
{
    CLEANUP(store_close) Store *small = NULL;
    CLEANUP(tx_free) Tx *a = NULL;
    CLEANUP(tx_free) Tx *b = NULL;
    CLEANUP(tx_free) Tx *c = NULL;
    EXPECT(t, store_open(t->conninfo, 2, 150, &small, &t->err));
    EXPECT(t, store_begin(small, &a, &t->err) && store_begin(small, &b, &t->err));
    int64_t start = clock_ms();
    EXPECT_KIND(t, store_begin(small, &c, &t->err), ERR_RETRY);
    EXPECT(t, clock_ms() - start >= 140);
    a = tx_free(a);
    EXPECT(t, store_begin(small, &c, &t->err));
    b = tx_free(b);
    c = tx_free(c);
    EXPECT_ROWS(t, "2", "select count(*) from pg_stat_activity where application_name = 'cpbroker' and backend_start > now() - interval '1 s'");
}

static void check_conninfo(Test *t)
{
    Store *none = NULL;
    EXPECT_KIND(t, store_open("marker-password", 4, 100, &none, &t->err), ERR_INVALID);
    EXPECT(t, !strstr(t->err.text, "marker"));
    EXPECT_KIND(t, store_open("host=x nonsense=marker-password", 4, 100, &none, &t->err), ERR_INVALID);
    EXPECT(t, !strstr(t->err.text, "marker"));
    EXPECT_KIND(t, store_open(t->conninfo, 0, 100, &none, &t->err), ERR_INVALID);
    EXPECT_KIND(t, store_open(t->conninfo, 257, 100, &none, &t->err), ERR_INVALID);
    CLEANUP(store_close) Store *away = NULL;
    EXPECT(t, store_open("postgresql://user:marker-password@127.0.0.1:1/db", 1, 100, &away, &t->err));
    EXPECT_KIND(t, store_ready(away, &t->err), ERR_RETRY);
    EXPECT(t, !strstr(t->err.text, "marker") && strstr(t->err.text, "127.0.0.1"));
}

static void check_terminated(Test *t)
{
    CLEANUP(instance_clear) Instance i = {0};
    put_instance(t, "a", INSTANCE_READY);
    for (int n = 0; n < 3; n++) {
        order("psql select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'cpbroker'");
        instance_clear(&i);
        EXPECT(t, store_get_instance(t->store, "a", &i, &t->err) && i.state == INSTANCE_READY);
    }
}

static void check_crash(Test *t)
{
    CLEANUP(instance_clear) Instance i = {0};
    CLEANUP(listener_free) Listener *l = NULL;
    CLEANUP(tx_free) Tx *tx = NULL;
    char *got = NULL, id[37];
    put_instance(t, "a", INSTANCE_READY);
    EXPECT(t, store_listen(t->store, "cpbroker_work", &l, &t->err));
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_set_instance_state(tx, "a", INSTANCE_DELETING, &t->err));
    order("kill");
    EXPECT_KIND(t, store_set_instance_state(tx, "a", INSTANCE_READY, &t->err), ERR_RETRY);
    EXPECT_KIND(t, store_commit(&tx, &t->err), ERR_INTERNAL);
    EXPECT_KIND(t, store_get_instance(t->store, "a", &i, &t->err), ERR_RETRY);
    EXPECT_KIND(t, store_begin(t->store, &tx, &t->err), ERR_RETRY);
    EXPECT_KIND(t, store_ready(t->store, &t->err), ERR_RETRY);
    EXPECT_KIND(t, listener_wait(l, 100, &got, &t->err), ERR_RETRY);
    EXPECT_KIND(t, listener_wait(l, 100, &got, &t->err), ERR_RETRY);
    order("start");
    EXPECT(t, store_ready(t->store, &t->err));
    EXPECT(t, store_get_instance(t->store, "a", &i, &t->err) && i.state == INSTANCE_READY);
    EXPECT(t, listener_wait(l, 5000, &got, &t->err) && !got);
    put_operation(t, OP_DEPROVISION, "a", NULL, id);
    EXPECT(t, notified(t, l, id));
}

static void check_lost_commit(Test *t)
{
    CLEANUP(tx_free) Tx *tx = NULL;
    put_instance(t, "a", INSTANCE_READY);
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_set_instance_state(tx, "a", INSTANCE_DELETING, &t->err));
    order("kill");
    EXPECT_KIND(t, store_commit(&tx, &t->err), ERR_RETRY);
    order("start");
    EXPECT_ROWS(t, "ready", "select state from instances");
}

const Check fault_checks[] = {
    {"workers and waiters are notified at commit, not before", check_notifications},
    {"a listener can be woken", check_wake},
    {"a full pool makes callers wait, then refuses", check_pool},
    {"connection strings and their errors never show the password", check_conninfo},
    {"connections that the server closed are replaced unnoticed", check_terminated},
    {"the database crashes and comes back", check_crash},
    {"a commit that the crash cut off is an error, and nothing of it stays", check_lost_commit},
    {0},
};
