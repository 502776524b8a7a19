/* Rules of a binding by its parameters. */
#include "jobs/access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool holds(const Acls *acls, KafkaResource resource, const char *name, KafkaPattern pattern, KafkaOperation operation)
{
    for (size_t i = 0; i < acls->count; i++) {
        const KafkaAcl *a = &acls->rows[i];
        if (a->resource == resource && a->pattern == pattern && a->operation == operation && strcmp(a->name, name) == 0)
            return true;
    }
    return false;
}

static size_t count_of(const Acls *acls, KafkaResource resource)
{
    size_t n = 0;
    for (size_t i = 0; i < acls->count; i++)
        n += acls->rows[i].resource == resource;
    return n;
}

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    assert_true(json_parse(text, strlen(text), &value, NULL));
    return value;
}

static void test_without_parameters(void **state)
{
    (void)state;
    CLEANUP(acls_free) Acls acls = {0};
    access_acls(NULL, &acls);
    assert_true(holds(&acls, KAFKA_TOPIC, "*", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_true(holds(&acls, KAFKA_GROUP, "*", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_true(holds(&acls, KAFKA_TRANSACTIONAL_ID, "*", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_true(holds(&acls, KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_IDEMPOTENT_WRITE));
    assert_false(holds(&acls, KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_false(holds(&acls, KAFKA_CLUSTER, "kafka-cluster", KAFKA_LITERAL, KAFKA_OP_CREATE));
}

static void test_lists(void **state)
{
    (void)state;
    CLEANUP(acls_free) Acls acls = {0};
    CLEANUP_JSON json_t *parameters = parse("{\"topics\":[{\"prefix\":\"a-\",\"rights\":[\"read\",\"write\"]},{\"name\":\"b\",\"rights\":[\"create\"]},"
                                            "{\"name\":\"c\",\"rights\":[\"admin\"]}],\"groups\":[{\"name\":\"g\",\"rights\":[\"read\"]}]}");
    access_acls(parameters, &acls);
    assert_true(holds(&acls, KAFKA_TOPIC, "a-", KAFKA_PREFIXED, KAFKA_OP_READ));
    assert_true(holds(&acls, KAFKA_TOPIC, "a-", KAFKA_PREFIXED, KAFKA_OP_WRITE));
    assert_true(holds(&acls, KAFKA_TOPIC, "b", KAFKA_LITERAL, KAFKA_OP_CREATE));
    assert_true(holds(&acls, KAFKA_TOPIC, "c", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_false(holds(&acls, KAFKA_TOPIC, "*", KAFKA_LITERAL, KAFKA_OP_ALL));
    assert_false(holds(&acls, KAFKA_TOPIC, "b", KAFKA_LITERAL, KAFKA_OP_READ));
    assert_int_equal(count_of(&acls, KAFKA_TOPIC), 4 + 2 + 1); /* read and write share DESCRIBE */
    assert_true(holds(&acls, KAFKA_GROUP, "g", KAFKA_LITERAL, KAFKA_OP_READ));
    assert_int_equal(count_of(&acls, KAFKA_GROUP), 2);
}

static void test_empty_lists_give_nothing(void **state)
{
    (void)state;
    CLEANUP(acls_free) Acls acls = {0};
    CLEANUP_JSON json_t *parameters = parse("{\"topics\":[],\"groups\":[]}");
    access_acls(parameters, &acls);
    assert_int_equal(count_of(&acls, KAFKA_TOPIC) + count_of(&acls, KAFKA_GROUP), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_without_parameters), cmocka_unit_test(test_lists),
                                       cmocka_unit_test(test_empty_lists_give_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
