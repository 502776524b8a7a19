/* Schemas at the limits: depth, long texts and paths, exact numbers and their neighbours, bounds of cost. */
#include "schema_fixture.h"

#include "base/str.h"

/* {"items":{"items":…}} of `levels` schemas. */
static json_t *nested_schema(int levels)
{
    json_t *s = json_object();
    for (; levels > 1; levels--)
        s = json_pack("{s:o}", "items", s);
    return s;
}

static json_t *nested_value(int levels)
{
    json_t *v = json_array();
    for (; levels > 1; levels--)
        v = json_pack("[o]", v);
    return v;
}

static void test_depth(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *fine = nested_schema(32), *deep = nested_schema(33), *very_deep = nested_schema(5000);
    CLEANUP(schema_free) Schema *s = NULL, *any = compiled("{'definitions':{'tree':{'type':'array','items':{'$ref':'#/definitions/tree'}}},'$ref':'#/definitions/tree'}");
    Schema *none = NULL;
    Error err = {0};
    assert_true(schema_compile(fine, &s, &err));
    assert_false(schema_compile(deep, &none, &err));
    assert_non_null(strstr(err.text, "items is nested deeper than 32 schemas"));
    assert_false(schema_compile(very_deep, &none, &err));
    assert_string_equal(err.text, "schema is nested deeper than 128 levels");
    CLEANUP_JSON json_t *shallow = nested_value(128), *too_deep = nested_value(129);
    assert_true(schema_check(any, "parameters", shallow, &err));
    assert_false(schema_check(any, "parameters", too_deep, &err));
    assert_string_equal(err.text, "parameters is nested deeper than 128 levels");
}

static bool is_whole_utf8(const char *s)
{
    CLEANUP_FREE char *repaired = xstrdup(s);
    utf8_repair(repaired);
    return strcmp(s, repaired) == 0 && !strchr(s, '?');
}

/* Values, names and lists of any length, at every cut of a character: the path and the sentence stay. */
static void test_long_texts(void **state)
{
    (void)state;
    CLEANUP_STR Str schema = STR_INIT;
    str_append(&schema, "{'properties':{'list':{'enum':[0");
    for (int i = 0; i < 300; i++)
        str_appendf(&schema, ",'choice-%03d'", i);
    str_append(&schema, "]}},'additionalProperties':{'type':'integer'}}");
    CLEANUP(schema_free) Schema *s = compiled(str_text(&schema));
    for (int n = 2; n < 700; n += n < 70 ? 1 : 97) {
        CLEANUP_STR Str text = STR_INIT;
        for (int i = 0; i < n; i++)
            str_append(&text, i % 3 ? "€" : "x");
        CLEANUP_JSON json_t *value = json_pack("{s:s}", str_text(&text), str_text(&text));
        Error err = {0};
        assert_false(schema_check(s, "parameters", value, &err));
        assert_true(is_whole_utf8(err.text));
        assert_int_equal(strncmp(err.text, "parameters[\"x", 13), 0);
        assert_non_null(strstr(err.text, "] is \"x"));
        assert_non_null(strstr(err.text, "\" (a string); it must be an integer"));
        assert_int_equal(strstr(err.text, "…\" (a string)") != NULL, text.len + 2 > 60);
        assert_true(strlen(err.text) < 256);
    }
    Error err = {0};
    assert_false(fits(s, "{'list':'choice-1234'}", &err));
    assert_true(strlen(err.text) < sizeof(err.text) - 100);
    assert_non_null(strstr(err.text, "parameters.list is \"choice-1234\"; it must be one of 0, choice-000, choice-001"));
    assert_non_null(strstr(err.text, ", …: did you mean \"choice-123\"?"));
}

/* Of a path too long to be shown, its end is. */
static void test_long_path(void **state)
{
    (void)state;
    CLEANUP(schema_free) Schema *s = compiled("{'definitions':{'t':{'type':'object','additionalProperties':{'$ref':'#/definitions/t'}}},'$ref':'#/definitions/t'}");
    json_t *v = json_integer(5);
    for (int i = 0; i < 60; i++) {
        CLEANUP_FREE char *name = xasprintf("level%d", i);
        v = json_pack("{s:o}", name, v);
    }
    Error err = {0};
    assert_false(schema_check(s, "parameters", v, &err));
    json_decref(v);
    assert_int_equal(strncmp(err.text, "parameters….level", strlen("parameters….level")), 0);
    assert_non_null(strstr(err.text, ".level1.level0 is 5 (an integer); it must be an object"));
    assert_true(strlen(err.text) < 300);
}

static void test_numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *value;
        bool good;
    } cases[] = {
        {"{'maximum':9007199254740992}", "9007199254740992.0", true},
        {"{'maximum':9007199254740992}", "9007199254740993", false},
        {"{'maximum':9007199254740992.0}", "9007199254740993", false},
        {"{'minimum':9007199254740993}", "9007199254740992.0", false},
        {"{'maximum':9223372036854775807}", "9223372036854775807", true},
        {"{'maximum':9223372036854775807}", "9223372036854775808.0", false},
        {"{'minimum':-9223372036854775808}", "-9223372036854775808.0", true},
        {"{'minimum':-9223372036854775808}", "-1e300", false},
        {"{'maximum':1e300}", "9223372036854775807", true},
        {"{'minimum':0}", "-0.5", false},
        {"{'minimum':-1}", "-0.5", true},
        {"{'enum':[1]}", "1.0", true},
        {"{'enum':[9007199254740993]}", "9007199254740992.0", false},
        {"{'const':{'a':[1,{'b':2}]}}", "{'a':[1.0,{'b':2}]}", true},
        {"{'const':{'a':1}}", "{'b':1}", false},
        {"{'const':false}", "0", false},
        {"{'multipleOf':3}", "9223372036854775807", false},
        {"{'multipleOf':7}", "9223372036854775807", true},
        {"{'multipleOf':7}", "-21", true},
        {"{'multipleOf':0.01}", "4.35", true},
        {"{'multipleOf':0.01}", "4.355", false},
        {"{'multipleOf':0.01}", "0.0", true},
        {"{'multipleOf':3}", "1152921504606846976.0", false},
        {"{'multipleOf':2}", "1e300", true},
        {"{'multipleOf':5e-324}", "1e308", true},
        {"{'type':'number'}", "1", true},
        {"{'type':'integer'}", "1.0", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(schema_free) Schema *s = compiled(cases[i].schema);
        if (fits(s, cases[i].value, NULL) != cases[i].good)
            fail_msg("%s, %s: wanted %d", cases[i].schema, cases[i].value, cases[i].good);
    }
}

/* What is proposed instead of a number fits itself, and is the nearest. */
static void test_nearest_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *value, *nearest; /* NULL: there is none */
    } cases[] = {
        {"{'minimum':0,'exclusiveMinimum':true}", "-3", "1"},
        {"{'minimum':0,'exclusiveMinimum':true}", "0", "1"},
        {"{'maximum':10,'exclusiveMaximum':true}", "10.5", "9"},
        {"{'minimum':0.5}", "0.25", "0.5"},
        {"{'minimum':0.5,'type':'integer'}", "0", "1"},
        {"{'maximum':-0.5,'type':'integer'}", "0", "-1"},
        {"{'minimum':10,'multipleOf':4}", "3", "12"},
        {"{'maximum':10,'multipleOf':4}", "50", "8"},
        {"{'multipleOf':4}", "9", "8"},
        {"{'multipleOf':4}", "11", "12"},
        {"{'multipleOf':4,'maximum':11}", "11", "8"},
        {"{'multipleOf':0.1}", "0.27", "0.3"},
        {"{'multipleOf':1.5,'minimum':2}", "1.5", "3"},
        {"{'maximum':9223372036854775807}", "1e300", "9223372036854775807"},
        {"{'minimum':-9223372036854775808,'type':'number'}", "-1e300", "-9223372036854775808"},
        {"{'multipleOf':1000,'maximum':9223372036854775807}", "9223372036854775807", "9223372036854775000"},
        {"{'minimum':5,'maximum':4}", "3", NULL},
        {"{'minimum':1,'maximum':7,'enum':[0,9]}", "9", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(schema_free) Schema *s = compiled(cases[i].schema);
        Error err = {0};
        assert_false(fits(s, cases[i].value, &err));
        const char *try = strstr(err.text, "; try ");
        if (!cases[i].nearest && try)
            fail_msg("%s, %s: %s", cases[i].schema, cases[i].value, err.text);
        if (cases[i].nearest && (!try || strcmp(try + 6, cases[i].nearest) != 0))
            fail_msg("%s, %s: wanted %s, got %s", cases[i].schema, cases[i].value, cases[i].nearest, err.text);
        if (try)
            assert_true(fits(s, try + 6, NULL));
    }
}

static void test_bounds(void **state)
{
    (void)state;
    CLEANUP(schema_free) Schema *pattern = compiled("{'pattern':'x'}"), *short_one = compiled("{'pattern':'x','maxLength':10}");
    CLEANUP(schema_free) Schema *unique = compiled("{'uniqueItems':true}"), *length = compiled("{'minLength':3,'maxLength':3}");
    CLEANUP_FREE char *big = xcalloc(1, 4098);
    Error err = {0};
    memset(big, 'x', 4096);
    CLEANUP_JSON json_t *fine = json_string(big);
    big[4096] = 'x';
    CLEANUP_JSON json_t *too_long = json_string(big);
    assert_true(schema_check(pattern, "p", fine, &err));
    assert_false(schema_check(pattern, "p", too_long, &err));
    assert_string_equal(err.text, "p has 4097 bytes, more than the most 4096");
    assert_false(schema_check(short_one, "p", too_long, &err));
    assert_string_equal(err.text, "p has 4097 characters, more than the most 10");
    CLEANUP_JSON json_t *numbers = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(numbers, json_integer(i));
    assert_true(schema_check(unique, "p", numbers, &err));
    json_array_append_new(numbers, json_integer(1000));
    assert_false(schema_check(unique, "p", numbers, &err));
    assert_string_equal(err.text, "p has 1001 members, more than the most 1000");
    static const char *const same[] = {"[0,-0.0]", "[9007199254740993,9007199254740993]", "[{'a':1,'b':[2]},{'b':[2.0],'a':1.0}]", "['a','b','a']", "[[],[]]"};
    static const char *const different[] = {"[9007199254740992,9007199254740993]", "[0,'',false,null,[],{}]", "[{'a':1,'b':2},{'a':2,'b':1}]", "[[1,2],[2,1]]"};
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        assert_false(fits(unique, same[i], NULL));
    for (size_t i = 0; i < ARRAY_SIZE(different); i++)
        assert_true(fits(unique, different[i], NULL));
    CLEANUP_FREE char *pattern_json = xasprintf("{'pattern':'%0*d€'}", 198, 0);
    CLEANUP(schema_free) Schema *long_pattern = compiled(pattern_json);
    assert_false(fits(long_pattern, "'x'", &err));
    assert_non_null(strstr(err.text, "000…"));
    assert_true(fits(length, "'ä€😀'", NULL));
    assert_false(fits(length, "'ä€'", NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_numbers_are_exact),
        cmocka_unit_test(test_nearest_numbers),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
