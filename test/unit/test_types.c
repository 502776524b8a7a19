/* Names of states and kinds there and back, and the release of the nouns. */
#include "domain/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_instance_states(void **state)
{
    (void)state;
    static const char *const names[] = {"absent", "creating", "ready", "create failed", "deleting", "delete failed", "updating"};
    for (int i = INSTANCE_ABSENT; i <= INSTANCE_UPDATING; i++) {
        InstanceState s = INSTANCE_ABSENT;
        assert_string_equal(instance_state_name((InstanceState)i), names[i]);
        assert_true(instance_state_parse(names[i], &s));
        assert_int_equal(s, i);
    }
}

static void test_binding_states(void **state)
{
    (void)state;
    static const char *const names[] = {"absent", "creating", "ready", "create failed", "deleting", "delete failed"};
    for (int i = BINDING_ABSENT; i <= BINDING_DELETE_FAILED; i++) {
        BindingState s = BINDING_ABSENT;
        assert_string_equal(binding_state_name((BindingState)i), names[i]);
        assert_true(binding_state_parse(names[i], &s));
        assert_int_equal(s, i);
    }
}

static void test_operation_kinds(void **state)
{
    (void)state;
    static const char *const names[] = {"provision", "deprovision", "bind", "unbind", "update"};
    assert_int_equal(ARRAY_SIZE(names), OPERATION_KINDS);
    for (int i = 0; i < OPERATION_KINDS; i++) {
        OperationKind k = OP_PROVISION;
        assert_string_equal(operation_kind_name((OperationKind)i), names[i]);
        assert_true(operation_kind_parse(names[i], &k));
        assert_int_equal(k, i);
        assert_int_equal(operation_is_binding(k), strstr(names[i], "bind") != NULL);
    }
}

/* OSB 2.17, Polling Last Operation: exactly these three words. */
static void test_operation_states(void **state)
{
    (void)state;
    static const char *const names[] = {"in progress", "succeeded", "failed"};
    for (int i = OPERATION_IN_PROGRESS; i <= OPERATION_FAILED; i++) {
        OperationState s = OPERATION_IN_PROGRESS;
        assert_string_equal(operation_state_name((OperationState)i), names[i]);
        assert_true(operation_state_parse(names[i], &s));
        assert_int_equal(s, i);
    }
}

static void test_unknown_names_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", " ", "Ready", "READY", "create_failed", "ready ", "in-progress", "unbind\n", "Update"};
    InstanceState instance = INSTANCE_DELETING;
    BindingState binding = BINDING_DELETING;
    OperationKind kind = OP_UNBIND;
    OperationState end = OPERATION_FAILED;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_false(instance_state_parse(wrong[i], &instance));
        assert_false(binding_state_parse(wrong[i], &binding));
        assert_false(operation_kind_parse(wrong[i], &kind));
        assert_false(operation_state_parse(wrong[i], &end));
    }
    assert_int_equal(instance, INSTANCE_DELETING);
    assert_int_equal(binding, BINDING_DELETING);
    assert_int_equal(kind, OP_UNBIND);
    assert_int_equal(end, OPERATION_FAILED);
}

static void test_clear_releases_and_empties(void **state)
{
    (void)state;
    json_t *parameters = json_pack("{s:i}", "a", 1);
    Instance i = {.state = INSTANCE_READY, .id = xstrdup("i"), .ns = xstrdup("n"), .parameters = json_incref(parameters)};
    instance_clear(&i);
    assert_int_equal(i.state, INSTANCE_ABSENT);
    assert_null(i.id);
    assert_null(i.parameters);
    instance_clear(&i); /* again, and of an empty one */

    Binding b = {.state = BINDING_READY, .id = xstrdup("b"), .app_guid = xstrdup("a"), .context = json_incref(parameters)};
    binding_clear(&b);
    assert_int_equal(b.state, BINDING_ABSENT);
    assert_null(b.context);
    binding_clear(&b);
    assert_int_equal(parameters->refcount, 1);
    json_decref(parameters);

    Operation o = {.found = true, .id = xstrdup("o"), .description = xstrdup("d"), .step_name = xstrdup("s"), .attempt = 2};
    operation_clear(&o);
    assert_false(o.found);
    assert_null(o.description);
    assert_int_equal(o.attempt, 0);
    operation_clear(&o);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instance_states),
        cmocka_unit_test(test_binding_states),
        cmocka_unit_test(test_operation_kinds),
        cmocka_unit_test(test_operation_states),
        cmocka_unit_test(test_unknown_names_are_refused),
        cmocka_unit_test(test_clear_releases_and_empties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
