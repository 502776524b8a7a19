/* Schemas: what is refused and with which text, defaults, many threads with one schema. */
#include "schema_fixture.h"

#include <pthread.h>

/* Each is refused with exactly this text. */
typedef struct Case {
    const char *given, *text;
} Case;

static void check_texts(const Schema *s, const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        Error err = {0};
        if (fits(s, cases[i].given, &err))
            fail_msg("%s fits", cases[i].given);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void test_texts(void **state)
{
    (void)state;
    CLEANUP(schema_free) Schema *s = compiled(
        "{'type':'object','additionalProperties':false,'properties':{"
        "'kafka_config':{'type':'object','additionalProperties':false,'properties':{'log.retention.ms':{'type':'integer','minimum':-1},"
        "'compression.type':{'enum':['none','gzip','lz4']}}},"
        "'brokers':{'type':['integer','null'],'maximum':9},'name':{'type':'string','minLength':2,'maxLength':4,'pattern':'^[a-z]+$'},"
        "'topics':{'type':'array','minItems':1,'maxItems':3,'uniqueItems':true,'items':{'type':'object','required':['name'],"
        "'properties':{'name':{'type':'string'},'rights':{'type':'array','items':{'enum':['read','write','create','admin']}}}}},"
        "'since':{'format':'date-time'},'version':{'const':2},'labels':{'minProperties':1,'maxProperties':2},'nothing':{'additionalProperties':false}}}");
    static const Case cases[] = {
        {"[]", "parameters is [] (an array); it must be an object"},
        {"{'kafka_config':{'log.retention.ms':-5}}", "parameters.kafka_config[\"log.retention.ms\"] is -5, below the least value -1; try -1"},
        {"{'kafka_config':{'log.retention':1}}",
         "parameters.kafka_config[\"log.retention\"] is not known here; known are: log.retention.ms, compression.type: did you mean \"log.retention.ms\"?"},
        {"{'kafka_config':{'compression.type':'GZIP'}}",
         "parameters.kafka_config[\"compression.type\"] is \"GZIP\"; it must be one of none, gzip, lz4: did you mean \"gzip\"?"},
        {"{'kafka_config':{'compression.type':'brotli'}}", "parameters.kafka_config[\"compression.type\"] is \"brotli\"; it must be one of none, gzip, lz4"},
        {"{'brokers':'3'}", "parameters.brokers is \"3\" (a string); it must be an integer or null"},
        {"{'brokers':3.0}", "parameters.brokers is 3.0 (a number); it must be an integer or null"},
        {"{'brokers':10}", "parameters.brokers is 10, above the greatest value 9; try 9"},
        {"{'name':null}", "parameters.name is null; it must be a string"},
        {"{'name':'a'}", "parameters.name has 1 character, fewer than the least 2"},
        {"{'name':'abcde'}", "parameters.name has 5 characters, more than the most 4"},
        {"{'name':'aB'}", "parameters.name is \"aB\", which does not match the pattern ^[a-z]+$"},
        {"{'topics':[]}", "parameters.topics has 0 members, fewer than the least 1"},
        {"{'topics':[{'name':'a'},{'name':'b'},{'name':'a'}]}", "parameters.topics[2] is the same as member [0]; the members must differ"},
        {"{'topics':[{}]}", "parameters.topics[0].name is missing; it is required"},
        {"{'topics':[{'name':'a','rights':['read','wriet']}]}",
         "parameters.topics[0].rights[1] is \"wriet\"; it must be one of read, write, create, admin: did you mean \"write\"?"},
        {"{'since':'today'}", "parameters.since is \"today\"; it must be a date and time (RFC 3339) such as 2024-02-29T12:00:00Z"},
        {"{'version':3}", "parameters.version is 3; it must be 2"},
        {"{'labels':{}}", "parameters.labels has 0 members, fewer than the least 1"},
        {"{'labels':{'a':1,'b':2,'c':3}}", "parameters.labels has 3 members, more than the most 2"},
        {"{'nothing':{'x':1}}", "parameters.nothing.x is not known here; nothing is"},
        {"{'brokres':1}", "parameters.brokres is not known here; known are: kafka_config, brokers, name, topics, since, version, labels, nothing: "
                          "did you mean \"brokers\"?"},
        {"{'a\\nb':1}", "parameters[\"a\\nb\"] is not known here; known are: kafka_config, brokers, name, topics, since, version, labels, nothing"},
    };
    check_texts(s, cases, ARRAY_SIZE(cases));
    assert_true(fits(s, "{'brokers':null,'name':'abc','topics':[{'name':'a'},{'name':'b'}],'version':2.0,'since':5}", NULL));
}

/* Faults of a schema, all with their paths. */
static void test_refusals(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"[]", "schema is [] (an array); it must be a schema (an object)"},
        {"{'propertys':{}}", "schema.propertys is no keyword that is known here: did you mean \"properties\"?"},
        {"{'anyOf':[]}", "schema.anyOf is no keyword that is known here"},
        {"{'type':'int','minimum':'1'}", "schema.type is \"int\" (a string); it must be one of array, boolean, integer, null, number, object and string, or a "
                                         "list of some\nschema.minimum is \"1\" (a string); it must be a number"},
        {"{'properties':{'a.b':{'minLength':-1}}}", "schema.properties[\"a.b\"].minLength is -1 (an integer); it must be an integer from 0 on"},
        {"{'items':[{}]}", "schema.items is [{}] (an array); it must be a schema (an object)"},
        {"{'additionalProperties':1}", "schema.additionalProperties is 1 (an integer); it must be true, false or a schema"},
        {"{'additionalProperties':{'title':1}}", "schema.additionalProperties.title is 1 (an integer); it must be a string"},
        {"{'multipleOf':0}", "schema.multipleOf is 0 (an integer); it must be a number above 0"},
        {"{'exclusiveMinimum':true}", "schema.exclusiveMinimum needs minimum beside it"},
        {"{'exclusiveMaximum':5,'maximum':1}", "schema.exclusiveMaximum is 5 (an integer); it must be true or false"},
        {"{'required':[]}", "schema.required is [] (an array); it must be a list of different strings, at least one"},
        {"{'required':['a','a']}", "schema.required is [\"a\",\"a\"] (an array); it must be a list of different strings, at least one"},
        {"{'enum':[1,1.0]}", "schema.enum is [1,1.0] (an array); it must be a list of different values, at least one"},
        {"{'format':'ipv5'}",
         "schema.format is \"ipv5\" (a string); it must be one of date-time, uri, hostname, ipv4, ipv6, email, uuid: did you mean \"ipv4\"?"},
        {"{'pattern':'a**'}", "schema.pattern has a repetition of a repetition, or a lazy one"},
        {"{'$schema':'http://json-schema.org/draft-07/schema#'}",
         "schema[\"$schema\"] is \"http://json-schema.org/draft-07/schema#\" (a string); it must be \"http://json-schema.org/draft-04/schema#\""},
        {"{'$ref':'#'}", "schema[\"$ref\"] is \"#\" (a string); it must be \"#/definitions/NAME\""},
        {"{'$ref':'#/definitions/a/items'}", "schema[\"$ref\"] is \"#/definitions/a/items\" (a string); it must be \"#/definitions/NAME\""},
        {"{'$ref':'#/definitions/a','definitions':{'b':{}}}",
         "schema[\"$ref\"] is \"#/definitions/a\" (a string); it must be the name of one of the definitions"},
        {"{'$ref':'#/definitions/a','definitions':{'a':{'$ref':'#/definitions/b'},'b':{'$ref':'#/definitions/a'},'c':{}}}",
         "schema.definitions.a has a $ref that never ends\nschema.definitions.b has a $ref that never ends"},
        {"{'definitions':[]}", "schema.definitions is [] (an array); it must be an object of schemas"},
        {"{'items':{'definitions':{}}}", "schema.items.definitions is not at the root, where it belongs"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_JSON json_t *source = parsed(cases[i].given);
        Schema *s = NULL;
        Error err = {0};
        assert_false(schema_compile(source, &s, &err));
        assert_null(s);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.text, cases[i].text);
    }
}

/* A schema with more faults than a text holds says how many are left out. */
static void test_many_faults(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *source = json_object();
    for (int i = 0; i < 100; i++) {
        CLEANUP_FREE char *name = xasprintf("unknown_keyword_%d", i);
        json_object_set_new(source, name, json_true());
    }
    Schema *s = NULL;
    Error err = {0};
    assert_false(schema_compile(source, &s, &err));
    size_t lines = 1;
    for (const char *p = err.text; (p = strchr(p, '\n')); p++)
        lines++;
    const char *more = strstr(err.text, "\nand ");
    assert_non_null(more);
    assert_int_equal(strtoul(more + 5, NULL, 10) + lines - 1, 100);
}

static void test_defaults(void **state)
{
    (void)state;
    CLEANUP(schema_free) Schema *s = compiled(
        "{'properties':{'a':{'default':1},'b':{'properties':{'c':{'default':[2]}}},'list':{'items':{'$ref':'#/definitions/d'}},"
        "'node':{'$ref':'#/definitions/d'},'made':{'$ref':'#/definitions/made'}},'additionalProperties':{'$ref':'#/definitions/d'},"
        "'definitions':{'d':{'properties':{'e':{'default':null}}},'made':{'default':{'x':1},'properties':{'made':{'$ref':'#/definitions/made'}}}}}");
    static const struct {
        const char *given, *wanted;
    } cases[] = {
        {"{}", "{'a':1,'made':{'x':1}}"},
        {"{'a':5,'made':{}}", "{'a':5,'made':{'made':{'x':1}}}"},
        {"{'a':null,'b':{},'made':1}", "{'a':null,'b':{'c':[2]},'made':1}"},
        {"{'b':5,'list':[{},1,{'e':3}],'made':1}", "{'a':1,'b':5,'list':[{'e':null},1,{'e':3}],'made':1}"},
        {"{'node':{},'other':{},'made':1}", "{'a':1,'node':{'e':null},'other':{'e':null},'made':1}"},
        {"[{}]", "[{}]"},
        {"7", "7"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_JSON json_t *given = parsed(cases[i].given), *copy = json_deep_copy(given), *wanted = parsed(cases[i].wanted);
        CLEANUP_JSON json_t *full = schema_with_defaults(s, given);
        CLEANUP_FREE char *text = json_canonical(full);
        if (!json_equal(full, wanted))
            fail_msg("%s gave %s", cases[i].given, text);
        assert_true(json_equal(given, copy));
    }
    /* A default is the caller's own: changing it changes no later one. */
    CLEANUP_JSON json_t *empty = json_object(), *first = schema_with_defaults(s, empty);
    json_object_set_new(json_object_get(first, "made"), "x", json_integer(9));
    CLEANUP_JSON json_t *second = schema_with_defaults(s, empty);
    assert_int_equal(json_int_at(second, "made.x", 0), 1);
}

/* Every thread checks the same value with the same schema: neither may change. */
typedef struct Shared {
    const Schema *schema;
    const json_t *good, *bad;
    int faults;
} Shared;

static void *check_often(void *p)
{
    Shared *shared = p;
    for (int i = 0; i < 300; i++) {
        Error err = {0};
        if (!schema_check(shared->schema, "p", shared->good, &err) || schema_check(shared->schema, "p", shared->bad, &err) ||
            strcmp(err.text, "p.rights[1] is \"wriet\"; it must be one of read, write: did you mean \"write\"?") != 0)
            shared->faults++;
        CLEANUP_JSON json_t *full = schema_with_defaults(shared->schema, shared->good);
        shared->faults += json_int_at(full, "n", 0) != 4;
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    CLEANUP(schema_free) Schema *s = compiled("{'properties':{'rights':{'items':{'enum':['read','write']},'uniqueItems':true},'name':{'pattern':'^[a-z]{1,9}$',"
                                              "'format':'hostname'},'n':{'default':4,'minimum':3,'multipleOf':0.5}}}");
    CLEANUP_JSON json_t *good = parsed("{'rights':['read','write'],'name':'topic','o':{'x':[1]}}"), *bad = parsed("{'rights':['read','wriet']}");
    Shared shared[2] = {{s, good, bad, 0}, {s, good, bad, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_often, &shared[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(shared[i].faults, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many_faults),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
