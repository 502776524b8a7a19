/* Runs the store's checks against a real database: store_driver CONNINFO MIGRATIONS SCRATCH; started by store.py. */
#include "store_driver.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

void expect(Test *t, bool met, const char *what, const char *file, int line)
{
    if (met || t->failure[0])
        return;
    snprintf(t->failure, sizeof(t->failure), "%s:%d: %s [%s: %.900s]", file, line, what, error_kind_name(t->err.kind),
             t->err.text);
}

char *ask(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("@%s\n", text);
    fflush(stdout);
    char *answer = xmalloc(65536);
    if (!fgets(answer, 65536, stdin))
        abort();
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

void order(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    free(ask("%s", text));
}

void expect_rows(Test *t, const char *wanted, const char *sql, const char *file, int line)
{
    CLEANUP_FREE char *rows = ask("psql %s", sql);
    CLEANUP_FREE char *what = xasprintf("%s answers \"%s\", not \"%s\"", sql, rows, wanted);
    expect(t, strcmp(rows, wanted) == 0, what, file, line);
}

bool wait_rows(const char *wanted, const char *sql)
{
    for (int i = 0; i < 250; i++) {
        CLEANUP_FREE char *rows = ask("psql %s", sql);
        if (strcmp(rows, wanted) == 0)
            return true;
        clock_sleep_ms(20);
    }
    return false;
}

void put_instance(Test *t, const char *id, InstanceState state)
{
    CLEANUP_FREE char *own = xstrdup(id);
    CLEANUP_FREE char *ns = xasprintf("ns-%s", id);
    char service[] = "service", plan[] = "plan", org[] = "org", space[] = "space";
    const Instance i = {.state = state, .id = own, .service_id = service, .plan_id = plan, .organization_guid = org,
                        .space_guid = space, .ns = ns};
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT(t, store_insert_instance(tx, &i, &(Amounts){1, 3, 2000, 1 << 30, 1 << 30}, &t->err));
    EXPECT(t, store_commit(&tx, &t->err));
}

void put_binding(Test *t, const char *instance_id, const char *id, BindingState state)
{
    CLEANUP_FREE char *own = xstrdup(id);
    CLEANUP_FREE char *instance = xstrdup(instance_id);
    char service[] = "service", plan[] = "plan";
    const Binding b = {.state = state, .id = own, .instance_id = instance, .service_id = service, .plan_id = plan};
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT(t, store_insert_binding(tx, &b, 0, 0, &t->err));
    EXPECT(t, store_commit(&tx, &t->err));
}

void put_operation(Test *t, OperationKind kind, const char *instance_id, const char *binding_id, char *ret_id)
{
    char id[37];
    const NewOperation o = {.kind = kind, .instance_id = instance_id, .binding_id = binding_id, .deadline_seconds = 600};
    CLEANUP(tx_free) Tx *tx = NULL;
    EXPECT(t, store_begin(t->store, &tx, &t->err));
    EXPECT(t, store_insert_operation(tx, &o, id, &t->err));
    EXPECT(t, store_commit(&tx, &t->err));
    if (ret_id)
        memcpy(ret_id, id, sizeof(id));
}

bool last_operation(Test *t, const char *instance_id, const char *binding_id, Operation *ret)
{
    LastOperation asked = {.instance_id = instance_id, .binding_id = binding_id, .err = &t->err};
    store_last_operations(t->store, &asked, 1);
    *ret = asked.operation;
    return asked.ok;
}

void claim(Test *t, const char *owner, Operation *ret)
{
    EXPECT(t, store_claim(t->store, owner, 30, ret, &t->err));
    EXPECT(t, ret->found);
}

static void run_all(Test *t, const Check *checks, bool migrated)
{
    for (const Check *c = checks; c->name; c++) {
        t->failure[0] = '\0';
        t->err = (Error){0};
        if (migrated)
            order("psql truncate instances, bindings, operations, operation_steps, secrets");
        c->run(t);
        if (t->failure[0])
            printf("FAILED %s: %s\n", c->name, t->failure);
        else
            printf("ok     %s\n", c->name);
        fflush(stdout);
    }
}

int main(int count, char **words)
{
    if (count != 4) {
        fprintf(stderr, "usage: store_driver CONNINFO MIGRATIONS SCRATCH\n");
        return 2;
    }
    Test t = {.conninfo = words[1], .migrations = words[2], .scratch = words[3]};
    if (!store_open(t.conninfo, 8, 2000, &t.store, &t.err)) {
        fprintf(stderr, "%s\n", t.err.text);
        return 1;
    }
    run_all(&t, schema_checks, false);
    run_all(&t, accept_checks, true);
    run_all(&t, lease_checks, true);
    run_all(&t, upkeep_checks, true);
    run_all(&t, fault_checks, true);
    store_close(t.store);
    return 0;
}
