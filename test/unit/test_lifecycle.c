/* Every state, request and circumstance of the lifecycle against expectations written from the rules of OSB 2.17. */
#include "domain/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define STATES 7         /* of an instance */
#define BINDING_STATES 6
#define ASKS 5

/* What the platform must see: an acceptance, or the kind of a refusal. */
typedef struct Expected {
    ErrorKind refusal; /* ERR_NONE: accepted */
    Decision decision;
} Expected;

static Expected refuse(ErrorKind kind)
{
    return (Expected){.refusal = kind};
}

static Expected accept_as(Decision decision)
{
    return (Expected){.decision = decision};
}

/* Re-sent creation of a thing that exists or is being made. (OSB 2.17: Provisioning 202/200/409, Binding 202/200/409.) */
static Expected resent(bool in_progress, bool same)
{
    if (!same)
        return refuse(ERR_CONFLICT);
    return accept_as(in_progress ? DECIDE_REPEAT : DECIDE_DONE);
}

static Expected expect_provision(const Now *now)
{
    if (now->instance == INSTANCE_ABSENT)
        return accept_as(DECIDE_START);
    if (now->instance == INSTANCE_CREATING || now->instance == INSTANCE_READY || now->instance == INSTANCE_UPDATING)
        return resent(now->instance == INSTANCE_CREATING, now->same);
    /* Another operation holds it: 422 (Blocking Operations). After a failure the id stays taken until it is deleted: 409. */
    return refuse(now->instance == INSTANCE_DELETING ? ERR_BUSY : ERR_CONFLICT);
}

static Expected expect_deprovision(const Now *now)
{
    if (now->instance == INSTANCE_ABSENT)
        return refuse(ERR_GONE); /* 410 */
    if (now->instance == INSTANCE_CREATING)
        return accept_as(DECIDE_CANCEL); /* "stop provisioning, then deprovision" */
    if (now->instance == INSTANCE_DELETING)
        return accept_as(DECIDE_REPEAT); /* 202 with the same operation */
    if (now->instance == INSTANCE_UPDATING)
        return refuse(ERR_BUSY);
    return now->binding_operations ? refuse(ERR_BUSY) : accept_as(DECIDE_START);
}

static Expected expect_bind(const Now *now)
{
    bool failed = now->instance == INSTANCE_CREATE_FAILED || now->instance == INSTANCE_DELETE_FAILED;
    if (now->instance == INSTANCE_ABSENT)
        return refuse(ERR_NOT_FOUND); /* never 410: platforms take that as a broken answer */
    if (now->instance != INSTANCE_READY)
        return refuse(failed ? ERR_INVALID : ERR_BUSY);
    if (now->binding == BINDING_ABSENT)
        return accept_as(DECIDE_START);
    if (now->binding == BINDING_CREATING || now->binding == BINDING_READY)
        return resent(now->binding == BINDING_CREATING, now->same);
    return refuse(now->binding == BINDING_DELETING ? ERR_BUSY : ERR_CONFLICT);
}

static Expected expect_update(const Now *now)
{
    switch (now->instance) {
    case INSTANCE_ABSENT:
        return refuse(ERR_NOT_FOUND);
    case INSTANCE_READY:
        return now->binding_operations ? refuse(ERR_BUSY) : accept_as(DECIDE_START);
    case INSTANCE_UPDATING:
        return now->same ? accept_as(DECIDE_REPEAT) : refuse(ERR_BUSY);
    case INSTANCE_CREATING:
    case INSTANCE_DELETING:
        return refuse(ERR_BUSY);
    case INSTANCE_CREATE_FAILED:
    case INSTANCE_DELETE_FAILED:
        break;
    }
    return refuse(ERR_INVALID);
}

static Expected expect_unbind(const Now *now)
{
    if (now->binding == BINDING_ABSENT || now->instance == INSTANCE_ABSENT)
        return refuse(ERR_GONE); /* 410 */
    if (now->instance == INSTANCE_CREATING || now->instance == INSTANCE_DELETING || now->instance == INSTANCE_UPDATING)
        return refuse(ERR_BUSY);
    if (now->binding == BINDING_CREATING)
        return accept_as(DECIDE_CANCEL);
    return accept_as(now->binding == BINDING_DELETING ? DECIDE_REPEAT : DECIDE_START);
}

static Expected expect(const Now *now, Ask ask)
{
    switch (ask) {
    case ASK_PROVISION:
        return expect_provision(now);
    case ASK_DEPROVISION:
        return expect_deprovision(now);
    case ASK_BIND:
        return expect_bind(now);
    case ASK_UPDATE:
        return expect_update(now);
    case ASK_UNBIND:
        break;
    }
    return expect_unbind(now);
}

/* The states that an accepted request leaves: only the thing asked about moves, and only when an operation starts. */
static Change expect_change(const Now *now, Ask ask, Decision decision)
{
    Change c = {decision, OP_PROVISION, now->instance, now->binding};
    bool starts = decision == DECIDE_START || decision == DECIDE_CANCEL;
    if (ask == ASK_PROVISION && starts)
        c.instance = INSTANCE_CREATING;
    if (ask == ASK_DEPROVISION) {
        c.kind = OP_DEPROVISION;
        c.instance = INSTANCE_DELETING;
    }
    if (ask == ASK_UPDATE) {
        c.kind = OP_UPDATE;
        c.instance = INSTANCE_UPDATING;
    }
    if (ask == ASK_BIND) {
        c.kind = OP_BIND;
        c.binding = starts ? BINDING_CREATING : now->binding;
    }
    if (ask == ASK_UNBIND) {
        c.kind = OP_UNBIND;
        c.binding = BINDING_DELETING;
    }
    return c;
}

static void check(const Now *now, Ask ask)
{
    Expected want = expect(now, ask);
    Change got, untouched;
    memset(&got, 0x5a, sizeof(got));
    memcpy(&untouched, &got, sizeof(got));
    Error err = {0};
    bool ok = lifecycle_decide(now, ask, &got, &err);
    if (ok != (want.refusal == ERR_NONE) || (!ok && err.kind != want.refusal))
        fail_msg("instance %s, binding %s, ask %d, same %d, binding operations %d: %s (%s)", instance_state_name(now->instance),
                 binding_state_name(now->binding), (int)ask, now->same, now->binding_operations,
                 ok ? "accepted" : error_kind_name(err.kind), err.text);
    if (!ok) {
        assert_true(strlen(err.text) > 5);
        assert_memory_equal(&got, &untouched, sizeof(got));
        return;
    }
    Change c = expect_change(now, ask, want.decision);
    assert_int_equal(got.decision, c.decision);
    assert_int_equal(got.kind, c.kind);
    assert_int_equal(got.instance, c.instance);
    assert_int_equal(got.binding, c.binding);
}

static void test_every_tuple(void **state)
{
    (void)state;
    for (int bits = 0; bits < STATES * BINDING_STATES * ASKS * 2 * 2; bits++) {
        int rest = bits;
        Now now;
        now.same = rest % 2;
        rest /= 2;
        now.binding_operations = rest % 2;
        rest /= 2;
        Ask ask = (Ask)(rest % ASKS);
        rest /= ASKS;
        now.binding = (BindingState)(rest % BINDING_STATES);
        now.instance = (InstanceState)(rest / BINDING_STATES);
        check(&now, ask);
    }
}

/* A refusal of a delete never leaves the platform without a way out: every state can be left by deletes, an update when it has ended. */
static void test_delete_always_leads_out(void **state)
{
    (void)state;
    for (int s = INSTANCE_CREATING; s < STATES; s++) {
        Now now = {.instance = (InstanceState)s};
        Change c;
        Error err = {0};
        if (s == INSTANCE_UPDATING)
            lifecycle_outcome(OP_UPDATE, OPERATION_FAILED, &now.instance, &now.binding);
        assert_true(lifecycle_decide(&now, ASK_DEPROVISION, &c, &err));
        assert_int_equal(c.instance, INSTANCE_DELETING);
        BindingState binding = BINDING_READY;
        InstanceState instance = c.instance;
        lifecycle_outcome(OP_DEPROVISION, OPERATION_SUCCEEDED, &instance, &binding);
        assert_int_equal(instance, INSTANCE_ABSENT);
    }
}

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        OperationKind kind;
        OperationState end;
        InstanceState instance;
        BindingState binding;
    } cases[] = {
        {OP_PROVISION, OPERATION_SUCCEEDED, INSTANCE_READY, BINDING_READY},
        {OP_PROVISION, OPERATION_FAILED, INSTANCE_CREATE_FAILED, BINDING_READY},
        {OP_DEPROVISION, OPERATION_SUCCEEDED, INSTANCE_ABSENT, BINDING_READY},
        {OP_DEPROVISION, OPERATION_FAILED, INSTANCE_DELETE_FAILED, BINDING_READY},
        {OP_BIND, OPERATION_SUCCEEDED, INSTANCE_DELETING, BINDING_READY},
        {OP_BIND, OPERATION_FAILED, INSTANCE_DELETING, BINDING_CREATE_FAILED},
        {OP_UNBIND, OPERATION_SUCCEEDED, INSTANCE_DELETING, BINDING_ABSENT},
        {OP_UNBIND, OPERATION_FAILED, INSTANCE_DELETING, BINDING_DELETE_FAILED},
        {OP_UPDATE, OPERATION_SUCCEEDED, INSTANCE_READY, BINDING_READY},
        {OP_UPDATE, OPERATION_FAILED, INSTANCE_READY, BINDING_READY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        InstanceState instance = INSTANCE_DELETING; /* values that no outcome under test leaves where it must move */
        BindingState binding = operation_is_binding(cases[i].kind) ? BINDING_DELETING : BINDING_READY;
        lifecycle_outcome(cases[i].kind, cases[i].end, &instance, &binding);
        assert_int_equal(instance, cases[i].instance);
        assert_int_equal(binding, cases[i].binding);
    }
}

static size_t count_lines(const char *text, const char *with)
{
    size_t n = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        const char *found = strstr(text, with);
        n += found && found < end;
    }
    return n;
}

/* The printed table names every state for every request, and each line has five cells. */
/* Each state has a row for `ask` that holds for any attributes, or one for equal and one for different ones. */
static void check_rows(const char *table, const char *ask, int states)
{
    for (int s = 0; s < states; s++) {
        const char *state = instance_state_name((InstanceState)s);
        CLEANUP_FREE char *plain = xasprintf("| %s | %s |", state, ask);
        CLEANUP_FREE char *same = xasprintf("| %s | %s, same |", state, ask);
        CLEANUP_FREE char *different = xasprintf("| %s | %s, different |", state, ask);
        size_t both = count_lines(table, same) + count_lines(table, different);
        assert_true(count_lines(table, plain) == 1 ? both == 0 : both == 2);
    }
}

/* An instance state refuses bindings of this kind exactly when the decision does so for a binding that could otherwise be made or deleted. */
static void check_gate(const char *table, Ask ask, const char *name)
{
    for (int s = 0; s < STATES; s++) {
        CLEANUP_FREE char *row = xasprintf("| %s | %s | refuse", instance_state_name((InstanceState)s), name);
        const Now now = {.instance = (InstanceState)s, .binding = ask == ASK_BIND ? BINDING_ABSENT : BINDING_READY};
        Change change;
        assert_int_equal(strstr(table, row) != NULL, !lifecycle_decide(&now, ask, &change, NULL));
    }
}

static void test_markdown_is_complete(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = lifecycle_markdown();
    char *gate = strstr(text, "\nBindings:"), *bindings = gate ? strstr(gate, "\n| binding |") : NULL;
    assert_non_null(bindings);
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        int bars = 0;
        for (const char *c = line; c < end; c++)
            bars += *c == '|';
        assert_int_equal(bars, *line == '|' ? 6 : 0);
    }
    *gate = *bindings = '\0';
    check_rows(text, "PUT instance", STATES);
    check_rows(text, "PATCH instance", STATES);
    check_rows(text, "DELETE instance", STATES);
    check_gate(gate + 1, ASK_BIND, "PUT binding");
    check_gate(gate + 1, ASK_UNBIND, "DELETE binding");
    check_rows(bindings + 1, "PUT binding", BINDING_STATES);
    check_rows(bindings + 1, "DELETE binding", BINDING_STATES);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tuple),
        cmocka_unit_test(test_delete_always_leads_out),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_markdown_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
