/* Composition of parameter schemas, and what an update makes of parameters. */
#include "domain/parameters.h"
#include "domain/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *value = NULL;
    assert_true(json_parse(text, strlen(text), &value, NULL));
    return value;
}

static bool fits(const json_t *schema, const char *text)
{
    CLEANUP(schema_free) Schema *s = NULL;
    CLEANUP_JSON json_t *value = parse(text);
    Error err = {0};
    if (!schema_compile(schema, &s, &err))
        fail_msg("%s", err.text);
    return schema_check(s, "parameters", value, &err);
}

#define DEFINITIONS                                                                                                    \
    "{\"config\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"integer\"},"     \
    "\"w\":{\"enum\":[\"x\",\"y\"]}}},\"n\":{\"type\":\"integer\",\"minimum\":1}}"

static void test_composition(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *definitions = parse(DEFINITIONS), *names = parse("[\"config\",\"n\"]");
    CLEANUP_JSON json_t *create = parameters_schema(definitions, names, PARAMETERS_CREATE);
    CLEANUP_JSON json_t *update = parameters_schema(definitions, names, PARAMETERS_UPDATE);
    CLEANUP_JSON json_t *none = parameters_schema(definitions, NULL, PARAMETERS_BIND);
    assert_string_equal(json_string_at(create, "$schema", ""), "http://json-schema.org/draft-04/schema#");
    assert_true(fits(create, "{}") && fits(create, "{\"config\":{\"a\":1,\"w\":\"x\"},\"n\":2}"));
    assert_false(fits(create, "{\"other\":1}"));
    assert_false(fits(create, "{\"config\":{\"a\":null}}"));
    assert_false(fits(create, "{\"config\":{\"w\":null}}"));
    assert_true(fits(update, "{\"config\":{\"a\":null,\"w\":null}}"));
    assert_false(fits(update, "{\"n\":null}"));
    assert_true(fits(none, "{}") && !fits(none, "{\"n\":2}"));
    assert_true(json_is_string(json_at(definitions, "config.properties.a.type"))); /* the shared definition stays */
}

static void test_unknown_names(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *definitions = parse(DEFINITIONS), *names = parse("[\"lost\",5,\"n\"]");
    CLEANUP_JSON json_t *schema = parameters_schema(definitions, names, PARAMETERS_BIND);
    assert_int_equal(json_object_size(json_object_get(schema, "properties")), 1);
    assert_true(fits(schema, "{\"n\":2}") && !fits(schema, "{\"lost\":1}"));
}

static void test_merge(void **state)
{
    (void)state;
    static const struct {
        const char *old, *change, *merged;
    } rows[] = {
        {"{}", "{}", "{}"},
        {"{\"c\":{\"a\":1,\"b\":2}}", "{\"c\":{\"b\":3,\"d\":4}}", "{\"c\":{\"a\":1,\"b\":3,\"d\":4}}"},
        {"{\"c\":{\"a\":1,\"b\":2}}", "{\"c\":{\"a\":null}}", "{\"c\":{\"b\":2}}"},
        {"{\"c\":{\"a\":1}}", "{\"c\":{\"a\":null,\"z\":null}}", "{}"},
        {"{\"n\":1,\"c\":{\"a\":1}}", "{\"n\":2}", "{\"n\":2,\"c\":{\"a\":1}}"},
        {"{\"l\":[1,2]}", "{\"l\":[3]}", "{\"l\":[3]}"},
        {"{\"c\":5}", "{\"c\":{\"a\":1}}", "{\"c\":{\"a\":1}}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *old = parse(rows[i].old), *change = parse(rows[i].change), *wanted = parse(rows[i].merged);
        CLEANUP_JSON json_t *merged = parameters_merged(old, change), *kept = parse(rows[i].old);
        assert_true(json_equal(merged, wanted));
        assert_true(json_equal(old, kept));
    }
    CLEANUP_JSON json_t *change = parse("{\"n\":1}"), *from_nothing = parameters_merged(NULL, change), *nothing = parameters_merged(NULL, NULL);
    assert_true(json_equal(from_nothing, change) && json_object_size(nothing) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_composition), cmocka_unit_test(test_unknown_names), cmocka_unit_test(test_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
