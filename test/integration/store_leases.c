/* Checks of the working side: claims, fencing, journal, outcomes. */
#include "store_driver.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Journals that a step begins. */
static bool begin(Test *t, const Operation *o, int index, int count, const char *name)
{
    Operation step = *o;
    step.step = index;
    step.step_count = count;
    step.step_name = (char *)(uintptr_t)name;
    step.retry_after_seconds = 4;
    return store_step_begin(t->store, &step, &t->err);
}

static void check_claim(Test *t)
{
    CLEANUP(operation_clear) Operation none = {0}, o = {0}, second = {0};
    char id[37];
    EXPECT(t, store_claim(t->store, "w", 30, &none, &t->err) && !none.found);
    put_operation(t, OP_PROVISION, "a", NULL, id);
    claim(t, "w", &o);
    EXPECT(t, o.id && strcmp(o.id, id) == 0 && o.lease_epoch == 1 && o.step == 0 && o.attempt == 0);
    EXPECT(t, o.kind == OP_PROVISION && strcmp(o.instance_id, "a") == 0 && o.seconds_left > 590);
    EXPECT_ROWS(t, "w|t", "select owner, lease_until > now() + interval '20 s' from operations");
    EXPECT(t, store_claim(t->store, "w2", 30, &second, &t->err) && !second.found);
}

#define CLAIMERS 6
#define CLAIM_ROWS 60

typedef struct Claimer {
    Store *store;
    bool failed;
    int count;
    char ids[CLAIM_ROWS][37];
} Claimer;

static void *claim_thread(void *context)
{
    Claimer *c = context;
    Error err = {0};
    while (c->count < CLAIM_ROWS) {
        CLEANUP(operation_clear) Operation o = {0};
        if (!store_claim(c->store, "thread", 60, &o, &err)) {
            c->failed = true;
            break;
        }
        if (!o.found)
            break;
        snprintf(c->ids[c->count++], sizeof(c->ids[0]), "%s", o.id);
    }
    return NULL;
}

static int times_claimed(const Claimer *claimers, const char *id)
{
    int n = 0;
    for (int i = 0; i <= CLAIMERS; i++)
        for (int k = 0; k < claimers[i].count; k++)
            n += strcmp(claimers[i].ids[k], id) == 0;
    return n;
}

static void check_claim_once(Test *t)
{
    char ids[CLAIM_ROWS][37], instance[16];
    for (int i = 0; i < CLAIM_ROWS; i++) {
        snprintf(instance, sizeof(instance), "i%d", i);
        put_operation(t, OP_PROVISION, instance, NULL, ids[i]);
    }
    Claimer *claimers = xcalloc(CLAIMERS + 1, sizeof(Claimer)), *rest = &claimers[CLAIMERS];
    pthread_t threads[CLAIMERS];
    for (int i = 0; i < CLAIMERS; i++) {
        claimers[i].store = t->store;
        pthread_create(&threads[i], NULL, claim_thread, &claimers[i]);
    }
    for (int i = 0; i < CLAIMERS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT(t, !claimers[i].failed);
    }
    /* With SKIP LOCKED a claimer may see nothing while others hold the rows it looked at; a later claim finds the rest. */
    rest->store = t->store;
    claim_thread(rest);
    for (int i = 0; i < CLAIM_ROWS; i++)
        EXPECT(t, times_claimed(claimers, ids[i]) == 1);
    free(claimers);
    EXPECT_ROWS(t, "60|1", "select count(*), max(lease_epoch) from operations where owner = 'thread'");
}

/* Every write of a worker that lost its lease is refused and changes nothing. */
static void expect_fenced(Test *t, const Operation *o)
{
#define WHOLE_TABLES                                                                                                   \
    "select md5(string_agg(o::text, '' order by id) || (select coalesce(string_agg(s::text, '' order by operation_id, index), '')" \
    " from operation_steps s) || (select coalesce(string_agg(i::text, '' order by id), '') from instances i)) from operations o"
    CLEANUP_FREE char *before = ask("psql %s", WHOLE_TABLES);
    EXPECT_KIND(t, store_heartbeat(t->store, o, 30, &t->err), ERR_LOST);
    EXPECT_KIND(t, begin(t, o, 5, 9, "stale"), ERR_LOST);
    EXPECT_KIND(t, store_step_done(t->store, o, "stale", &t->err), ERR_LOST);
    EXPECT_KIND(t, store_again(t->store, o, "stale", true, 100, &t->err), ERR_LOST);
    EXPECT_KIND(t, store_describe(t->store, o, "stale", 3, &t->err), ERR_LOST);
    EXPECT_KIND(t, store_finish(t->store, o, OPERATION_SUCCEEDED, "stale", &t->err), ERR_LOST);
    EXPECT_KIND(t, store_finish(t->store, o, OPERATION_FAILED, "stale", &t->err), ERR_LOST);
    EXPECT_ROWS(t, before, WHOLE_TABLES);
}

static void check_takeover(Test *t)
{
    CLEANUP(operation_clear) Operation old = {0}, new = {0}, end = {0};
    put_instance(t, "a", INSTANCE_CREATING);
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "old", &old);
    EXPECT(t, begin(t, &old, 2, 9, "apply"));
    order("psql update operations set lease_until = now() - interval '1 s'");
    claim(t, "new", &new);
    EXPECT(t, new.lease_epoch == old.lease_epoch + 1 && new.step == 2 && new.step_count == 9);
    EXPECT(t, new.step_name && strcmp(new.step_name, "apply") == 0);
    expect_fenced(t, &old);
    EXPECT(t, store_heartbeat(t->store, &new, 60, &t->err));
    EXPECT(t, store_finish(t->store, &new, OPERATION_SUCCEEDED, "done", &t->err));
    expect_fenced(t, &new);
    EXPECT(t, last_operation(t, "a", NULL, &end) && end.state == OPERATION_SUCCEEDED);
    EXPECT_ROWS(t, "ready", "select state from instances");
}

static void check_cancel(Test *t)
{
    CLEANUP(operation_clear) Operation held = {0}, next = {0};
    put_instance(t, "a", INSTANCE_CREATING);
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "w", &held);
    char id[37];
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(instance_clear) Instance i = {0};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_instance(tx, "a", &i, &t->err));
    EXPECT(t, store_cancel_operation(tx, "a", NULL, "cancelled by delete", &t->err));
    EXPECT(t, store_set_instance_state(tx, "a", INSTANCE_DELETING, &t->err));
    EXPECT(t, store_insert_operation(tx, &(NewOperation){OP_DEPROVISION, "a", NULL, 60, NULL, NULL, NULL}, id, &t->err));
    EXPECT(t, store_commit(&tx, &t->err));
    expect_fenced(t, &held);
    EXPECT_ROWS(t, "failed|cancelled by delete|t|w",
                "select state, description, finished_at is not null, owner from operations where kind = 'provision'");
    EXPECT(t, store_let_go(t->store, &held, "w", &t->err));
    claim(t, "w", &next);
    EXPECT(t, next.id && strcmp(next.id, id) == 0);
}

/* What follows a cancelled operation waits until its worker has let go, or its lease has run out; other instances do not wait. */
static void check_let_go(Test *t)
{
    CLEANUP(operation_clear) Operation held = {0}, blocked = {0}, other = {0}, next = {0};
    int ms = -1;
    CLEANUP(tx_free) Tx *tx = NULL;
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "w", &held);
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_cancel_operation(tx, "a", NULL, "why", &t->err) && store_commit(&tx, &t->err));
    put_operation(t, OP_DEPROVISION, "a", NULL, NULL);
    EXPECT(t, store_claim(t->store, "v", 30, &blocked, &t->err) && !blocked.found);
    EXPECT(t, store_next_due_ms(t->store, 60000, &ms, &t->err) && ms > 25000 && ms <= 30000);
    put_operation(t, OP_PROVISION, "b", NULL, NULL);
    claim(t, "v", &other);
    EXPECT(t, other.instance_id && strcmp(other.instance_id, "b") == 0);

    Operation stale = held;
    stale.lease_epoch--;
    EXPECT(t, store_let_go(t->store, &stale, "w", &t->err) && store_let_go(t->store, &held, "v", &t->err));
    EXPECT(t, store_claim(t->store, "v", 30, &blocked, &t->err) && !blocked.found);
    order("psql update operations set lease_until = now() - interval '1 s' where state = 'failed'");
    EXPECT(t, store_next_due_ms(t->store, 60000, &ms, &t->err) && ms == 0);
    order("psql update operations set lease_until = now() + interval '9 s' where state = 'failed'");
    EXPECT(t, store_let_go(t->store, &held, "w", &t->err));
    claim(t, "v", &next);
    EXPECT(t, next.kind == OP_DEPROVISION);
}

static void check_heartbeat(Test *t)
{
    CLEANUP(operation_clear) Operation o = {0};
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "w", &o);
    EXPECT(t, store_heartbeat(t->store, &o, 300, &t->err));
    EXPECT_ROWS(t, "t", "select lease_until > now() + interval '250 s' from operations");
    EXPECT(t, store_again(t->store, &o, "released", false, 0, &t->err));
    EXPECT_KIND(t, store_heartbeat(t->store, &o, 300, &t->err), ERR_LOST);
    EXPECT_ROWS(t, "|", "select owner, lease_until from operations");
}

static void check_again(Test *t)
{
    CLEANUP(operation_clear) Operation o = {0}, early = {0}, due = {0};
    int ms = -1;
    EXPECT(t, store_next_due_ms(t->store, 5000, &ms, &t->err) && ms == 5000);
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    EXPECT(t, store_next_due_ms(t->store, 5000, &ms, &t->err) && ms == 0);
    claim(t, "w", &o);
    EXPECT(t, store_next_due_ms(t->store, 60000, &ms, &t->err) && ms > 25000 && ms <= 30000);
    EXPECT(t, begin(t, &o, 0, 3, "apply"));
    EXPECT(t, store_again(t->store, &o, "waiting for brokers", false, 700, &t->err));
    EXPECT(t, store_next_due_ms(t->store, 60000, &ms, &t->err) && ms > 0 && ms <= 700);
    EXPECT(t, store_claim(t->store, "w", 30, &early, &t->err) && !early.found);
    clock_sleep_ms(750);
    claim(t, "w", &due);
    EXPECT(t, due.attempt == 0 && due.lease_epoch == 2 && strcmp(due.description, "waiting for brokers") == 0);
    EXPECT(t, store_again(t->store, &due, "API server is away", true, 0, &t->err));
    operation_clear(&due);
    claim(t, "w", &due);
    EXPECT(t, due.attempt == 1);
    EXPECT(t, begin(t, &due, 0, 3, "apply"));
    EXPECT_ROWS(t, "1|2|w", "select o.attempt, s.attempts, s.owner from operations o join operation_steps s on operation_id = id");
    EXPECT(t, begin(t, &due, 1, 3, "wait"));
    EXPECT_ROWS(t, "0|1|wait|t", "select attempt, step, step_name, step_started_at > now() - interval '2 s' from operations");
}

static void check_journal(Test *t)
{
    CLEANUP(operation_clear) Operation o = {0}, seen = {0};
    put_instance(t, "a", INSTANCE_CREATING);
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "w1", &o);
    EXPECT(t, begin(t, &o, 0, 3, "namespace"));
    EXPECT_ROWS(t, "4", "select retry_after_seconds from operations");
    EXPECT(t, store_step_done(t->store, &o, "made", &t->err));
    EXPECT(t, begin(t, &o, 1, 3, "brokers"));
    EXPECT(t, store_describe(t->store, &o, "2/3 brokers: 1 of 3 ready", 7, &t->err));
    EXPECT(t, last_operation(t, "a", NULL, &seen) && seen.retry_after_seconds == 7 && seen.step == 1);
    EXPECT(t, seen.description && strcmp(seen.description, "2/3 brokers: 1 of 3 ready") == 0);
    EXPECT(t, store_describe(t->store, &o, "still", 0, &t->err));
    EXPECT_ROWS(t, "still|7|w1", "select description, retry_after_seconds, owner from operations");
    EXPECT(t, store_finish(t->store, &o, OPERATION_FAILED, "brokers: out of memory", &t->err));
    EXPECT_ROWS(t, "0|namespace|t|made|w1;1|brokers|t|brokers: out of memory|w1",
                "select index, name, ended_at >= started_at, note, owner from operation_steps order by 1");
    EXPECT_ROWS(t, "failed|brokers: out of memory", "select state, description from operations");
}

static void check_outcomes(Test *t)
{
    static const struct {
        OperationKind kind;
        OperationState end;
        const char *instance, *binding;
    } rows[] = {
        {OP_PROVISION, OPERATION_SUCCEEDED, "ready", "creating"},
        {OP_PROVISION, OPERATION_FAILED, "create failed", "creating"},
        {OP_DEPROVISION, OPERATION_SUCCEEDED, "", ""},
        {OP_DEPROVISION, OPERATION_FAILED, "delete failed", "creating"},
        {OP_BIND, OPERATION_SUCCEEDED, "creating", "ready"},
        {OP_BIND, OPERATION_FAILED, "creating", "create failed"},
        {OP_UNBIND, OPERATION_SUCCEEDED, "creating", ""},
        {OP_UNBIND, OPERATION_FAILED, "creating", "delete failed"},
        {OP_UPDATE, OPERATION_SUCCEEDED, "ready", "creating"},
        {OP_UPDATE, OPERATION_FAILED, "ready", "creating"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(operation_clear) Operation o = {0};
        CLEANUP_FREE char *name = xasprintf("outcome of %s, %s", operation_kind_name(rows[i].kind), operation_state_name(rows[i].end));
        order("psql truncate instances, bindings, operations, operation_steps, secrets");
        put_instance(t, "a", INSTANCE_CREATING);
        put_instance(t, "other", INSTANCE_READY);
        put_binding(t, "a", "x", BINDING_CREATING);
        put_binding(t, "other", "y", BINDING_READY);
        put_operation(t, rows[i].kind, "a", operation_is_binding(rows[i].kind) ? "x" : NULL, NULL);
        claim(t, "w", &o);
        EXPECT(t, store_finish(t->store, &o, rows[i].end, NULL, &t->err));
        expect_rows(t, rows[i].instance, "select state from instances where id = 'a'", name, 0);
        expect_rows(t, rows[i].binding, "select state from bindings where id = 'x'", name, 0);
        EXPECT_ROWS(t, "ready|ready", "select i.state, b.state from instances i join bindings b on instance_id = i.id where i.id = 'other'");
        EXPECT_ROWS(t, "t||", "select state = description and state <> 'in progress', owner, lease_until from operations");
    }
}

static void check_removal(Test *t)
{
    CLEANUP(operation_clear) Operation bind = {0}, o = {0}, again = {0}, last = {0};
    bool kept;
    put_instance(t, "a", INSTANCE_DELETING);
    put_instance(t, "b", INSTANCE_READY);
    put_binding(t, "a", "x", BINDING_CREATING);
    EXPECT(t, store_secret_put(t->store, &(SecretRef){"a", NULL, "ca"}, &(SecretValue){"k", "1", 1}, &kept, &t->err));
    EXPECT(t, store_secret_put(t->store, &(SecretRef){"a", "x", "credentials"}, &(SecretValue){"k", "2", 1}, &kept, &t->err));
    EXPECT(t, store_secret_put(t->store, &(SecretRef){"b", NULL, "ca"}, &(SecretValue){"k", "3", 1}, &kept, &t->err));
    put_operation(t, OP_BIND, "a", "x", NULL);
    claim(t, "w", &bind);
    put_operation(t, OP_DEPROVISION, "a", NULL, NULL);
    claim(t, "w", &o);
    EXPECT(t, store_finish(t->store, &o, OPERATION_SUCCEEDED, "deleted", &t->err));
    EXPECT_ROWS(t, "b", "select id from instances");
    EXPECT_ROWS(t, "0", "select count(*) from bindings");
    EXPECT_ROWS(t, "b|ca", "select instance_id, name from secrets");
    EXPECT_ROWS(t, "failed|instance deleted", "select state, description from operations where kind = 'bind'");
    expect_fenced(t, &bind);
    EXPECT(t, last_operation(t, "a", NULL, &last) && last.state == OPERATION_SUCCEEDED);

    /* Its row is gone, and yet it ends. */
    put_operation(t, OP_DEPROVISION, "a", NULL, NULL);
    claim(t, "w", &again);
    EXPECT(t, store_finish(t->store, &again, OPERATION_SUCCEEDED, "nothing left", &t->err));
}

typedef struct Finisher {
    Test *t;
    const Operation *o;
    bool done;
    Error err;
} Finisher;

static void *finish_thread(void *context)
{
    Finisher *f = context;
    f->done = store_finish(f->t->store, f->o, OPERATION_SUCCEEDED, "made", &f->err);
    return NULL;
}

/* The worker finishes while a delete holds the instance: it waits, the delete cancels it, no deadlock, and nothing of it stays. */
static void check_finish_against_cancel(Test *t)
{
    CLEANUP(operation_clear) Operation o = {0};
    CLEANUP(instance_clear) Instance i = {0};
    CLEANUP(tx_free) Tx *tx = NULL;
    put_instance(t, "a", INSTANCE_CREATING);
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "w", &o);
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_instance(tx, "a", &i, &t->err));
    Finisher f = {.t = t, .o = &o};
    pthread_t thread;
    pthread_create(&thread, NULL, finish_thread, &f);
    EXPECT(t, wait_rows("1", "select count(*) from pg_locks where locktype = 'advisory' and not granted"));
    EXPECT(t, store_cancel_operation(tx, "a", NULL, "cancelled by delete", &t->err));
    EXPECT(t, store_set_instance_state(tx, "a", INSTANCE_DELETING, &t->err) && store_commit(&tx, &t->err));
    pthread_join(thread, NULL);
    EXPECT(t, !f.done && f.err.kind == ERR_LOST);
    EXPECT_ROWS(t, "deleting|failed", "select i.state, o.state from instances i, operations o");
}

static void check_release_all(Test *t)
{
    CLEANUP(operation_clear) Operation mine = {0}, other = {0}, again = {0};
    put_operation(t, OP_PROVISION, "a", NULL, NULL);
    claim(t, "me", &mine);
    put_operation(t, OP_PROVISION, "b", NULL, NULL);
    claim(t, "other", &other);
    EXPECT(t, store_release_all(t->store, "me", &t->err) && store_release_all(t->store, "nobody", &t->err));
    EXPECT_ROWS(t, "a|;b|other", "select instance_id, owner from operations order by 1");
    claim(t, "next", &again);
    EXPECT(t, again.id && mine.id && strcmp(again.id, mine.id) == 0 && again.lease_epoch == 2);
}

const Check lease_checks[] = {
    {"a claim leases the operation that is due", check_claim},
    {"many claim at once, no operation is claimed twice", check_claim_once},
    {"an expired lease is taken over, and the old worker is fenced out", check_takeover},
    {"a cancelled worker is fenced out", check_cancel},
    {"what follows a cancelled operation waits until its worker has let go", check_let_go},
    {"a heartbeat extends the lease, but not a released one", check_heartbeat},
    {"again: due later, errors count, a new step starts from zero", check_again},
    {"the journal tells what each step did", check_journal},
    {"each outcome moves its instance or binding, and no other", check_outcomes},
    {"a removed instance takes bindings, secrets and open bindings along", check_removal},
    {"finish waits for a delete that cancels it, without a deadlock", check_finish_against_cancel},
    {"a stopping worker releases its leases", check_release_all},
    {0},
};
