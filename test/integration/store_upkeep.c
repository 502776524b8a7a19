/* Checks of updates, counters for quotas, expiry and forgetting. */
#include "store_driver.h"

#include <stdio.h>
#include <string.h>

static const Amounts need = {1, 3, 2000, 4096, 8192};

static void insert(Test *t, const char *id, const char *plan, const char *org, const char *space)
{
    CLEANUP_FREE char *ns = xasprintf("ns-%s", id);
    const Instance i = {.state = INSTANCE_READY, .id = (char *)(uintptr_t)id, .service_id = ns, .plan_id = (char *)(uintptr_t)plan,
                        .organization_guid = (char *)(uintptr_t)org, .space_guid = (char *)(uintptr_t)space, .ns = ns};
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_instance(tx, &i, &need, &t->err) && store_commit(&tx, &t->err));
}

static void expect_usage(Test *t, const char *scope, const char *key, int64_t times)
{
    Amounts used = {0};
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_lock_usage(tx, scope, key, &used, &t->err));
    EXPECT(t, used.instances == times && used.brokers == times * need.brokers && used.millicores == times * need.millicores);
    EXPECT(t, used.memory == times * need.memory && used.storage == times * need.storage);
}

static void check_usage(Test *t)
{
    order("psql delete from usage");
    insert(t, "a", "p1", "o1", "s1");
    insert(t, "b", "p1", "o1", "s2");
    insert(t, "c", "p2", "o2", "s3");
    expect_usage(t, "global", "", 3);
    expect_usage(t, "plan", "p1", 2);
    expect_usage(t, "organization", "o2", 1);
    expect_usage(t, "space", "s2", 1);
    expect_usage(t, "space", "unknown", 0);
    order("psql delete from instances where id = 'b'");
    expect_usage(t, "global", "", 2);
    expect_usage(t, "plan", "p1", 1);
    expect_usage(t, "space", "s2", 0);
    order("psql update instances set plan_id = 'p2' where id = 'a'");
    expect_usage(t, "plan", "p1", 0);
    expect_usage(t, "plan", "p2", 2);
    order("psql delete from instances");
    expect_usage(t, "global", "", 0);
}

static void check_rolled_back_usage(Test *t)
{
    order("psql delete from usage");
    char id[] = "a", x[] = "x";
    const Instance i = {.state = INSTANCE_READY, .id = id, .service_id = x, .plan_id = x, .organization_guid = x, .space_guid = x, .ns = x};
    {
        CLEANUP(tx_free) Tx *tx = NULL;
        EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_instance(tx, &i, &need, &t->err));
    }
    expect_usage(t, "global", "", 0);
}

static void check_filled_amounts(Test *t)
{
    order("psql delete from usage");
    insert(t, "a", "p1", "o1", "s1");
    order("psql update instances set brokers = null, millicores = null, memory = null, storage = null");
    EXPECT_ROWS(t, "1|0", "select sum(instances), sum(brokers) from usage where scope = 'global'");
    EXPECT(t, store_fill_amounts(t->store, "other", &need, &t->err) && store_fill_amounts(t->store, "p1", &need, &t->err));
    expect_usage(t, "global", "", 1);
    const Amounts more = {1, 9, 9, 9, 9};
    EXPECT(t, store_fill_amounts(t->store, "p1", &more, &t->err));
    expect_usage(t, "plan", "p1", 1);
}

static void update_to(Test *t, OperationState end, bool repeatable)
{
    CLEANUP_JSON json_t *request = json_pack("{s:{s:i}, s:{s:s}, s:{s:i}}", "ask", "x", 1, "context", "instance_name", "new", "parameters", "n", 2);
    CLEANUP_JSON json_t *read = NULL;
    CLEANUP(operation_clear) Operation o = {0};
    CLEANUP(tx_free) Tx *tx = NULL;
    char id[37];
    const NewOperation new = {.kind = OP_UPDATE, .instance_id = "a", .deadline_seconds = 60, .request = request};
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_operation(tx, &new, id, &t->err) && store_commit(&tx, &t->err));
    EXPECT(t, store_operation_request(t->store, id, &read, &t->err) && json_equal(read, request));
    claim(t, "w", &o);
    o.update_repeatable = repeatable;
    EXPECT(t, store_finish(t->store, &o, end, NULL, &t->err));
}

static void check_update(Test *t)
{
    CLEANUP(operation_clear) Operation seen = {0}, again = {0};
    put_instance(t, "a", INSTANCE_UPDATING);
    update_to(t, OPERATION_FAILED, false);
    EXPECT_ROWS(t, "ready||", "select state, context, parameters from instances");
    EXPECT(t, last_operation(t, "a", NULL, &seen) && !seen.update_repeatable && seen.kind == OP_UPDATE);
    update_to(t, OPERATION_SUCCEEDED, true);
    EXPECT_ROWS(t, "ready|{\"instance_name\": \"new\"}|{\"n\": 2}", "select state, context, parameters from instances");
    EXPECT(t, last_operation(t, "a", NULL, &again) && again.update_repeatable);
}

static void check_expired_bindings(Test *t)
{
    BindingRef *refs = NULL;
    size_t count = 9;
    put_instance(t, "a", INSTANCE_READY);
    put_instance(t, "busy", INSTANCE_UPDATING);
    put_binding(t, "a", "lasting", BINDING_READY);
    put_binding(t, "a", "old", BINDING_READY);
    put_binding(t, "a", "later", BINDING_READY);
    put_binding(t, "a", "failed", BINDING_DELETE_FAILED);
    put_binding(t, "busy", "old-too", BINDING_READY);
    order("psql update bindings set expires_at = now() - interval '1 s' where id in ('old', 'failed', 'old-too')");
    order("psql update bindings set expires_at = now() + interval '1 h' where id = 'later'");
    EXPECT(t, store_expired_bindings(t->store, 10, &refs, &count, &t->err) && count == 1);
    EXPECT(t, strcmp(refs[0].binding_id, "old") == 0 && strcmp(refs[0].instance_id, "a") == 0);
    store_free_bindings(refs, count);
}

static void check_lifetime(Test *t)
{
    char id[] = "x", instance[] = "a", s[] = "s", old[] = "old";
    const Binding b = {.state = BINDING_READY, .id = id, .instance_id = instance, .service_id = s, .plan_id = s, .predecessor_id = old};
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(binding_clear) Binding read = {0}, expired = {0};
    put_instance(t, "a", INSTANCE_READY);
    EXPECT(t, store_begin(t->store, &tx, &t->err) && store_insert_binding(tx, &b, 600, 60, &t->err) && store_commit(&tx, &t->err));
    EXPECT(t, store_get_binding(t->store, "a", "x", &read, &t->err) && strcmp(read.predecessor_id, "old") == 0);
    EXPECT(t, read.expires_at - read.renew_before == 60 && !read.expired);
    EXPECT_ROWS(t, "t", "select abs(extract(epoch from expires_at - now()) - 600) < 5 from bindings");
    order("psql update bindings set expires_at = now(), renew_before = now()");
    EXPECT(t, store_get_binding(t->store, "a", "x", &expired, &t->err) && expired.expired);
}

static void check_prune(Test *t)
{
    int pruned = -1;
    put_instance(t, "here", INSTANCE_READY);
    order("psql insert into operations (id, kind, instance_id, state, description, deadline_at, finished_at) values"
          " ('1', 'provision', 'here', 'succeeded', 'd', now(), now() - interval '9 days'),"
          " ('2', 'update', 'here', 'succeeded', 'd', now(), now() - interval '8 days'),"
          " ('3', 'deprovision', 'gone', 'succeeded', 'd', now(), now() - interval '8 days'),"
          " ('4', 'deprovision', 'gone too', 'succeeded', 'd', now(), now() - interval '6 days')");
    EXPECT(t, store_prune(t->store, 7, &pruned, &t->err) && pruned == 2);
    EXPECT_ROWS(t, "2;4", "select id from operations order by id");
}

const Check upkeep_checks[] = {
    {"what is used is counted per plan, organization, space and in all", check_usage},
    {"a transaction that is rolled back is not counted", check_rolled_back_usage},
    {"instances of older releases are counted once their plan is known", check_filled_amounts},
    {"an update takes over its request when it succeeds", check_update},
    {"bindings that have expired are found where they can be revoked", check_expired_bindings},
    {"a binding's lifetime counts on the database's clock", check_lifetime},
    {"ended operations are forgotten, but not the newest of what exists", check_prune},
    {0},
};
