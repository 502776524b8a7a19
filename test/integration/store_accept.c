/* Checks of the accepting side: instances, bindings, operations, locks, secrets. */
#include "store_driver.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static void check_round_trip(Test *t)
{
    char id[] = "a/ü b\"'", service[] = "s", plan[] = "p", org[] = "o", space[] = "sp", ns[] = "kafka-1", version[] = "1.2.3";
    CLEANUP_JSON json_t *parameters = json_pack("{s:[i,b,n],s:s}", "list", 1, 1, "text", "ünï \"q\"");
    CLEANUP_JSON json_t *context = json_pack("{s:s}", "platform", "cloudfoundry");
    const Instance i = {INSTANCE_CREATING, id, service, plan, org, space, ns, parameters, context, version};
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(instance_clear) Instance absent = {0}, found = {0};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_instance(tx, id, &absent, &t->err));
    EXPECT(t, absent.state == INSTANCE_ABSENT && !absent.id);
    EXPECT(t, store_insert_instance(tx, &i, &(Amounts){0}, &t->err) && store_commit(&tx, &t->err) && !tx);
    EXPECT(t, store_get_instance(t->store, id, &found, &t->err));
    EXPECT(t, found.state == INSTANCE_CREATING && found.id && strcmp(found.id, id) == 0 && strcmp(found.ns, ns) == 0);
    EXPECT(t, found.service_id && strcmp(found.service_id, service) == 0 && strcmp(found.plan_id, plan) == 0);
    EXPECT(t, found.space_guid && strcmp(found.organization_guid, org) == 0 && strcmp(found.space_guid, space) == 0);
    EXPECT(t, json_equal(found.parameters, parameters) && json_equal(found.context, context) && strcmp(found.maintenance_version, version) == 0);

    char bid[] = "binding", app[] = "app";
    const Binding b = {.state = BINDING_CREATING, .id = bid, .instance_id = id, .service_id = service, .plan_id = plan, .app_guid = app, .parameters = parameters};
    CLEANUP(binding_clear) Binding read = {0}, other = {0};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_binding(tx, &b, 0, 0, &t->err));
    EXPECT(t, store_find_binding(tx, "binding", &read, &t->err) && store_commit(&tx, &t->err));
    EXPECT(t, read.state == BINDING_CREATING && read.instance_id && strcmp(read.instance_id, id) == 0);
    EXPECT(t, read.app_guid && strcmp(read.app_guid, app) == 0 && json_equal(read.parameters, parameters) && !read.context);
    EXPECT(t, store_get_binding(t->store, "another", "binding", &other, &t->err) && other.state == BINDING_ABSENT);
    EXPECT(t, store_get_binding(t->store, id, "binding", &other, &t->err) && other.state == BINDING_CREATING);
}

static void check_states(Test *t)
{
    CLEANUP(instance_clear) Instance i = {0};
    put_instance(t, "a", INSTANCE_CREATING);
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_instance(tx, "a", &i, &t->err));
    EXPECT(t, store_set_instance_state(tx, "a", INSTANCE_DELETE_FAILED, &t->err) && store_commit(&tx, &t->err));
    EXPECT_ROWS(t, "delete failed", "select state from instances");
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT_KIND(t, store_set_instance_state(tx, "b", INSTANCE_READY, &t->err), ERR_NOT_FOUND);
    EXPECT_KIND(t, store_set_binding_state(tx, "b", BINDING_READY, &t->err), ERR_NOT_FOUND);
}

static void check_rollback(Test *t)
{
    char id[] = "a", x[] = "x";
    const Instance i = {INSTANCE_CREATING, id, x, x, x, x, x, NULL, NULL, NULL};
    {
        CLEANUP(tx_free) Tx *tx = NULL;
        EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_instance(tx, &i, &(Amounts){0}, &t->err));
    }
    EXPECT_ROWS(t, "0", "select count(*) from instances");
    EXPECT_ROWS(t, "0", "select count(*) from pg_stat_activity where state like 'idle in transaction%'");
}

static void check_failed_statement(Test *t)
{
    char id[] = "marker-in-values", x[] = "x";
    const Instance wrong = {INSTANCE_ABSENT, id, x, x, x, x, x, NULL, NULL, NULL};
    put_instance(t, "b", INSTANCE_READY);
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_set_instance_state(tx, "b", INSTANCE_DELETING, &t->err));
    EXPECT_KIND(t, store_insert_instance(tx, &wrong, &(Amounts){0}, &t->err), ERR_INTERNAL);
    EXPECT(t, strstr(t->err.text, "23514") && strstr(t->err.text, "insert_instance") && !strstr(t->err.text, "marker"));
    EXPECT_KIND(t, store_set_instance_state(tx, "b", INSTANCE_READY, &t->err), ERR_INTERNAL);
    EXPECT_KIND(t, store_commit(&tx, &t->err), ERR_INTERNAL);
    EXPECT(t, !tx);
    EXPECT_ROWS(t, "b|ready", "select id, state from instances");
}

static void check_conflicts(Test *t)
{
    put_instance(t, "a", INSTANCE_READY);
    put_instance(t, "b", INSTANCE_READY);
    put_binding(t, "a", "x", BINDING_READY);
    char c[] = "c", a[] = "a", b[] = "b", ns[] = "ns-a", s[] = "s", x[] = "x", gone[] = "gone";
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT_KIND(t, store_insert_instance(tx, &(Instance){INSTANCE_CREATING, c, s, s, s, s, ns, NULL, NULL, NULL}, &(Amounts){0}, &t->err), ERR_CONFLICT);
    EXPECT(t, strstr(t->err.text, "ns-a"));
    tx = tx_free(tx);
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT_KIND(t, store_insert_instance(tx, &(Instance){INSTANCE_CREATING, a, s, s, s, s, s, NULL, NULL, NULL}, &(Amounts){0}, &t->err), ERR_CONFLICT);
    tx = tx_free(tx);
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT_KIND(t, store_insert_binding(tx, &(Binding){.state = BINDING_CREATING, .id = x, .instance_id = b, .service_id = s, .plan_id = s}, 0, 0, &t->err),
                ERR_CONFLICT);
    tx = tx_free(tx);
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT_KIND(t, store_insert_binding(tx, &(Binding){.state = BINDING_CREATING, .id = s, .instance_id = gone, .service_id = s, .plan_id = s}, 0, 0, &t->err),
                ERR_GONE);
}

static bool try_operation(Test *t, OperationKind kind, const char *instance_id, const char *binding_id)
{
    char id[37];
    const NewOperation o = {.kind = kind, .instance_id = instance_id, .binding_id = binding_id, .deadline_seconds = 60};
    CLEANUP(tx_free) Tx *tx = NULL;
    return store_begin(t->store, &tx, &t->err) && store_insert_operation(tx, &o, id, &t->err) && store_commit(&tx, &t->err);
}

static void check_one_open(Test *t)
{
    EXPECT(t, try_operation(t, OP_PROVISION, "a", NULL));
    EXPECT_KIND(t, try_operation(t, OP_DEPROVISION, "a", NULL), ERR_BUSY);
    EXPECT(t, strstr(t->err.text, "instance"));
    EXPECT(t, try_operation(t, OP_BIND, "a", "x"));
    EXPECT(t, try_operation(t, OP_BIND, "a", "y"));
    EXPECT_KIND(t, try_operation(t, OP_UNBIND, "a", "x"), ERR_BUSY);
    EXPECT(t, strstr(t->err.text, "binding"));
    EXPECT(t, try_operation(t, OP_PROVISION, "b", NULL));
    EXPECT_ROWS(t, "4|4", "select count(*), count(distinct id) from operations");

    bool open_a = false, open_b = true;
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_binding_operations_open(tx, "a", &open_a, &t->err));
    EXPECT(t, store_binding_operations_open(tx, "b", &open_b, &t->err));
    EXPECT(t, open_a && !open_b);
    EXPECT(t, store_cancel_operation(tx, "a", "x", "why", &t->err) && store_cancel_operation(tx, "a", "y", "why", &t->err));
    EXPECT(t, store_binding_operations_open(tx, "a", &open_a, &t->err) && !open_a);
}

static void check_identities(Test *t)
{
    char id[37];
    const NewOperation o = {OP_BIND, "a", "x", 90, "cloudfoundry eyJ1c2VyIjoxfQ==", "req-1", NULL};
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(operation_clear) Operation read = {0}, none = {0};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_operation(tx, &o, id, &t->err) && store_commit(&tx, &t->err));
    EXPECT_ROWS(t, "cloudfoundry eyJ1c2VyIjoxfQ==|req-1", "select originating_identity, request_identity from operations");
    EXPECT(t, store_get_operation(t->store, id, &read, &t->err) && read.found && read.kind == OP_BIND);
    EXPECT(t, read.state == OPERATION_IN_PROGRESS && read.binding_id && strcmp(read.binding_id, "x") == 0);
    EXPECT(t, read.seconds_left > 85 && read.seconds_left <= 90 && read.description[0] && read.retry_after_seconds > 0);
    EXPECT(t, store_get_operation(t->store, "'; drop", &none, &t->err) && !none.found);
}

static void check_last_operation(Test *t)
{
    char first[37], second[37], bind[37];
    put_operation(t, OP_PROVISION, "a", NULL, first);
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_cancel_operation(tx, "a", NULL, "cancelled by delete", &t->err));
    EXPECT(t, store_insert_operation(tx, &(NewOperation){OP_DEPROVISION, "a", NULL, 60, NULL, NULL, NULL}, second, &t->err));
    EXPECT(t, store_commit(&tx, &t->err));
    put_operation(t, OP_BIND, "a", "x", bind);

    CLEANUP(operation_clear) Operation o = {0}, b = {0}, old = {0}, none = {0};
    EXPECT(t, last_operation(t, "a", NULL, &o) && o.found && strcmp(o.id, second) == 0 && !o.binding_id);
    EXPECT(t, last_operation(t, "a", "x", &b) && b.found && strcmp(b.id, bind) == 0);
    EXPECT(t, last_operation(t, "a", "y", &none) && !none.found);
    EXPECT(t, last_operation(t, "b", NULL, &none) && !none.found);
    EXPECT(t, store_get_operation(t->store, first, &old, &t->err) && old.state == OPERATION_FAILED);
    EXPECT(t, old.description && strcmp(old.description, "cancelled by delete") == 0);
    operation_clear(&o);
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_last_operation_tx(tx, "a", NULL, &o, &t->err));
    EXPECT(t, o.found && strcmp(o.id, second) == 0);
    EXPECT(t, store_cancel_operation(tx, "nobody", NULL, "none is open", &t->err));
}

static void check_last_operations(Test *t)
{
    char first[37], bind[37], quoted[37];
    put_operation(t, OP_PROVISION, "a", NULL, first);
    put_operation(t, OP_BIND, "a", "x", bind);
    put_operation(t, OP_BIND, "a", "{\"q\\,\"}", quoted);
    const struct {
        const char *instance, *binding, *id;
    } rows[] = {{"a", "y", NULL}, {"a", "x", bind}, {"a", NULL, first}, {"b", NULL, NULL}, {"a", "x", bind}, {"a", "{\"q\\,\"}", quoted}, {"NULL", NULL, NULL}};
    LastOperation asked[ARRAY_SIZE(rows)];
    Error errors[ARRAY_SIZE(rows)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        asked[i] = (LastOperation){.instance_id = rows[i].instance, .binding_id = rows[i].binding, .err = &errors[i]};
    store_last_operations(t->store, asked, ARRAY_SIZE(rows));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        EXPECT(t, asked[i].ok && asked[i].operation.found == (rows[i].id != NULL));
        EXPECT(t, !rows[i].id || strcmp(asked[i].operation.id, rows[i].id) == 0);
        operation_clear(&asked[i].operation);
    }
}

typedef struct Locker {
    Test *t;
    const char *id;
    bool done;
    Instance seen;
} Locker;

static void *lock_thread(void *context)
{
    Locker *l = context;
    Error err = {0};
    CLEANUP(tx_free) Tx *tx = NULL;
    l->done = store_begin(l->t->store, &tx, &err) && store_lock_instance(tx, l->id, &l->seen, &err);
    return NULL;
}

#define WAITING_FOR_LOCK "select count(*) from pg_locks where locktype = 'advisory' and not granted"

static void check_lock(Test *t)
{
    char id[] = "a", x[] = "x";
    const Instance i = {INSTANCE_CREATING, id, x, x, x, x, x, NULL, NULL, NULL};
    Locker same = {.t = t, .id = "a"}, other = {.t = t, .id = "b"};
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(instance_clear) Instance none = {0};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_instance(tx, "a", &none, &t->err));
    pthread_t thread;
    pthread_create(&thread, NULL, lock_thread, &other);
    pthread_join(thread, NULL);
    EXPECT(t, other.done && other.seen.state == INSTANCE_ABSENT);

    pthread_create(&thread, NULL, lock_thread, &same);
    EXPECT(t, wait_rows("1", WAITING_FOR_LOCK));
    EXPECT(t, store_insert_instance(tx, &i, &(Amounts){0}, &t->err) && store_commit(&tx, &t->err));
    pthread_join(thread, NULL);
    /* The row that was committed while it waited. */
    EXPECT(t, same.done && same.seen.state == INSTANCE_CREATING);
    instance_clear(&same.seen);
}

static void check_lock_times_out(Test *t)
{
    CLEANUP(tx_free) Tx *holder = NULL;
    CLEANUP(tx_free) Tx *waiter = NULL;
    CLEANUP(instance_clear) Instance i = {0};
    EXPECT(t, store_begin(t->store, &holder, &t->err) && store_lock_instance(holder, "a", &i, &t->err));
    EXPECT(t, store_begin(t->store, &waiter, &t->err));
    int64_t start = clock_ms();
    EXPECT_KIND(t, store_lock_instance(waiter, "a", &i, &t->err), ERR_RETRY);
    int64_t waited = clock_ms() - start;
    EXPECT(t, waited > 9000 && waited < 15000);
}

static bool get_secret(Test *t, const SecretRef *ref, const char *key_id, const void *wanted, size_t n)
{
    CLEANUP_FREE char *key = NULL;
    uint8_t *value = NULL;
    size_t len;
    bool same = store_secret_get(t->store, ref, &key, &value, &len, &t->err) && strcmp(key, key_id) == 0 && len == n &&
                memcmp(value, wanted, n) == 0;
    free(value);
    return same;
}

static void check_secrets(Test *t)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    put_instance(t, "a", INSTANCE_CREATING);
    put_instance(t, "b", INSTANCE_CREATING);
    put_binding(t, "a", "x", BINDING_CREATING);
    const SecretRef own = {"a", NULL, "ca"}, bound = {"a", "x", "ca"}, absent = {"a", NULL, "other"};
    bool kept = true;
    EXPECT(t, store_secret_put(t->store, &own, &(SecretValue){"k1", bytes, sizeof(bytes)}, &kept, &t->err) && !kept);
    EXPECT(t, store_secret_put(t->store, &own, &(SecretValue){"k2", "new", 3}, &kept, &t->err) && kept);
    EXPECT(t, store_secret_put(t->store, &bound, &(SecretValue){"k2", "bound", 5}, &kept, &t->err) && !kept);
    EXPECT(t, get_secret(t, &own, "k1", bytes, sizeof(bytes)) && get_secret(t, &bound, "k2", "bound", 5));
    EXPECT_KIND(t, get_secret(t, &absent, "", "", 0), ERR_NOT_FOUND);
    EXPECT_KIND(t, store_secret_put(t->store, &(SecretRef){"gone", NULL, "ca"}, &(SecretValue){"k", "v", 1}, &kept, &t->err), ERR_GONE);
    EXPECT_KIND(t, store_secret_put(t->store, &(SecretRef){"a", "gone", "ca"}, &(SecretValue){"k", "v", 1}, &kept, &t->err), ERR_GONE);
    EXPECT_KIND(t, store_secret_put(t->store, &(SecretRef){"b", "x", "ca"}, &(SecretValue){"k", "v", 1}, &kept, &t->err), ERR_GONE);
}

const Check accept_checks[] = {
    {"instances and bindings come back as they were written", check_round_trip},
    {"states change, and of nothing not", check_states},
    {"a transaction that is dropped rolls back", check_rollback},
    {"after a failed statement nothing commits, and errors hold no values", check_failed_statement},
    {"a taken id or namespace is a conflict", check_conflicts},
    {"one open operation per instance and per binding", check_one_open},
    {"an operation keeps its identities and deadline", check_identities},
    {"the last operation is the newest, and a cancelled one is failed", check_last_operation},
    {"last operations of many at once", check_last_operations},
    {"a second transaction waits for the instance, then sees the newest row", check_lock},
    {"waiting for an instance ends after 10 s", check_lock_times_out},
    {"a secret is written once and belongs to its instance or binding", check_secrets},
    {0},
};
