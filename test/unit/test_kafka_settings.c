/* Kafka settings and quotas against fake brokers: what is asked, what of the answer counts, what is refused before it is sent. */
#include "test_kafka_fake.h"

#include "kafka/admin.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct Script {
    const char *reply; /* JSON */
    json_t *request;   /* the last one */
    int broker;        /* that got it */
} Script;

static json_t *scripted(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    Script *s = f->context;
    (void)api;
    json_decref(s->request);
    s->request = json_deep_copy(request);
    s->broker = broker;
    return fake_parse(s->reply);
}

typedef struct World {
    Script script;
    Fake fake;
    KafkaAdmin *admin;
    Error err;
} World;

static int setup(void **state)
{
    static const int three[] = {0, 1, 2};
    World *w = xcalloc(1, sizeof(*w));
    w->fake = fake_new(scripted);
    w->fake.context = &w->script;
    KafkaDial dial = {fake_dial, &w->fake};
    w->admin = kafka_admin_new(&dial, three, 3, 5000);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    World *w = *state;
    kafka_admin_free(w->admin);
    json_decref(w->script.request);
    str_free(&w->fake.last_frame);
    free(w);
    return 0;
}

static void expect_json(const json_t *value, const char *wanted)
{
    CLEANUP_JSON json_t *should = fake_parse(wanted);
    if (!json_equal(value, should)) {
        CLEANUP_FREE char *is = value ? json_text(value) : xstrdup("nothing");
        fail_msg("%s\nis not\n%s", is, wanted);
    }
}

static void test_alter(void **state)
{
    World *w = *state;
    static const KafkaSetting settings[] = {{"log.retention.ms", "1000"}, {"compression.type", NULL}};
    w->script.reply = "{\"Responses\":[{\"ResourceType\":4}]}";
    assert_true(kafka_settings_alter(w->admin, settings, 2, &w->err));
    expect_json(w->script.request,
                "{\"Resources\":[{\"ResourceType\":4,\"ResourceName\":\"\",\"Configs\":["
                "{\"Name\":\"log.retention.ms\",\"ConfigOperation\":0,\"Value\":\"1000\"},"
                "{\"Name\":\"compression.type\",\"ConfigOperation\":1,\"Value\":null}]}],\"ValidateOnly\":false}");
    assert_int_equal(w->fake.last_version, 1);
    w->script.reply = "{\"Responses\":[{\"ErrorCode\":40,\"ErrorMessage\":\"Invalid value x\"}]}";
    assert_false(kafka_settings_alter(w->admin, settings, 2, &w->err));
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_non_null(strstr(w->err.text, "Invalid value x"));
    w->script.reply = "{\"Responses\":[]}"; /* an answer about nothing proves nothing */
    assert_false(kafka_settings_alter(w->admin, settings, 2, &w->err));
    assert_int_equal(w->err.kind, ERR_INTERNAL);
}

static void test_alter_what_cannot_be_sent(void **state)
{
    World *w = *state;
    static const KafkaSetting bad[] = {{"log.retention.ms", "1"}, {"a", "\xff"}, {"\xff", NULL}};
    assert_true(kafka_settings_alter(w->admin, NULL, 0, &w->err));
    assert_false(kafka_settings_alter(w->admin, bad, 2, &w->err)); /* the good one is not sent alone */
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_false(kafka_settings_alter(w->admin, bad + 2, 1, &w->err));
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_int_equal(w->fake.calls, 0);
}

static void test_read(void **state)
{
    World *w = *state;
    static const char *const names[] = {"a", "b", "c", "d"};
    CLEANUP_JSON json_t *values = NULL, *none = NULL;
    w->script.reply = "{\"Results\":[{\"Configs\":[{\"Name\":\"a\",\"Value\":\"1\"},{\"Name\":\"b\",\"Value\":null},"
                      "{\"Name\":\"c\",\"Value\":\"hidden\",\"IsSensitive\":true},{\"Name\":\"other\",\"Value\":\"2\"}]}]}";
    assert_true(kafka_settings_read(w->admin, 2, names, 4, &values, &w->err));
    assert_int_equal(w->script.broker, 2); /* Kafka: a broker answers for itself only */
    expect_json(values, "{\"a\":\"1\",\"b\":null,\"c\":null,\"d\":null}");
    expect_json(json_at(w->script.request, "Resources"),
                "[{\"ResourceType\":4,\"ResourceName\":\"2\",\"ConfigurationKeys\":[\"a\",\"b\",\"c\",\"d\"]}]");
    assert_true(kafka_settings_read(w->admin, 2, names, 0, &none, &w->err));
    assert_int_equal(json_object_size(none), 0);
    assert_int_equal(w->fake.calls, 1);
    json_t *failed = NULL;
    static const char *const bad[] = {"a", "\xff"};
    assert_false(kafka_settings_read(w->admin, 2, bad, 2, &failed, &w->err));
    assert_int_equal(w->err.kind, ERR_INVALID);
    w->script.reply = "{\"Results\":[{\"ErrorCode\":42,\"ErrorMessage\":\"Unexpected broker id\"}]}";
    assert_false(kafka_settings_read(w->admin, 1, names, 1, &failed, &w->err));
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_null(failed);
}

static void test_dynamic(void **state)
{
    World *w = *state;
    CLEANUP_JSON json_t *values = NULL;
    w->script.reply = "{\"Results\":[{\"Configs\":[{\"Name\":\"a\",\"Value\":\"1\",\"ConfigSource\":3},"
                      "{\"Name\":\"per broker\",\"Value\":\"2\",\"ConfigSource\":2},{\"Name\":\"static\",\"Value\":\"2\",\"ConfigSource\":4},"
                      "{\"Name\":\"secret\",\"Value\":\"s\",\"ConfigSource\":3,\"IsSensitive\":true}]}]}";
    assert_true(kafka_settings_dynamic(w->admin, &values, &w->err));
    expect_json(values, "{\"a\":\"1\",\"secret\":null}");
    expect_json(json_at(w->script.request, "Resources"),
                "[{\"ResourceType\":4,\"ResourceName\":\"\",\"ConfigurationKeys\":null}]");
    w->script.reply = "{\"Results\":[{\"ErrorCode\":31}]}";
    json_t *failed = NULL;
    assert_false(kafka_settings_dynamic(w->admin, &failed, &w->err));
    assert_int_equal(w->err.kind, ERR_DENIED);
    assert_null(failed);
}

static void test_quota_set(void **state)
{
    World *w = *state;
    w->script.reply = "{\"Entries\":[{}]}";
    assert_true(kafka_user_quota_set(w->admin, "u", &(KafkaUserQuota){1024, 0}, &w->err));
    expect_json(json_at(w->script.request, "Entries"),
                "[{\"Entity\":[{\"EntityType\":\"user\",\"EntityName\":\"u\"}],\"Ops\":["
                "{\"Key\":\"producer_byte_rate\",\"Value\":1024.0,\"Remove\":false},"
                "{\"Key\":\"consumer_byte_rate\",\"Value\":0.0,\"Remove\":true}]}]");
    w->script.reply = "{\"Entries\":[{\"ErrorCode\":42,\"ErrorMessage\":\"no such key\"}]}";
    assert_false(kafka_user_quota_set(w->admin, "u", &(KafkaUserQuota){1, 1}, &w->err));
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_non_null(strstr(w->err.text, "no such key"));
    int calls = w->fake.calls;
    const int64_t above = (INT64_C(1) << 53) + 1;
    const KafkaUserQuota bad[] = {{-1, 0}, {0, -1}, {above, 0}, {0, above}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(kafka_user_quota_set(w->admin, "u", &bad[i], &w->err));
        assert_int_equal(w->err.kind, ERR_INVALID);
    }
    assert_false(kafka_user_quota_set(w->admin, "\xff", &(KafkaUserQuota){1, 1}, &w->err)); /* not UTF-8: must not become "nobody" */
    assert_int_equal(w->err.kind, ERR_INVALID);
    assert_int_equal(w->fake.calls, calls);
}

static void test_quota_get(void **state)
{
    World *w = *state;
    KafkaUserQuota q = {7, 7};
    w->script.reply = "{\"Entries\":[{\"Entity\":[{\"EntityType\":\"user\",\"EntityName\":\"u\"}],\"Values\":["
                      "{\"Key\":\"consumer_byte_rate\",\"Value\":9007199254740992.0},{\"Key\":\"request_percentage\",\"Value\":5.0}]}]}";
    assert_true(kafka_user_quota_get(w->admin, "u", &q, &w->err));
    assert_true(q.producer_byte_rate == 0 && q.consumer_byte_rate == INT64_C(1) << 53);
    expect_json(w->script.request, "{\"Components\":[{\"EntityType\":\"user\",\"MatchType\":0,\"Match\":\"u\"}],\"Strict\":true}");
    w->script.reply = "{\"Entries\":[{\"Values\":[{\"Key\":\"producer_byte_rate\",\"Value\":1e300},"
                      "{\"Key\":\"consumer_byte_rate\",\"Value\":-1e300}]}]}"; /* set by somebody else */
    assert_true(kafka_user_quota_get(w->admin, "u", &q, &w->err));
    assert_true(q.producer_byte_rate == INT64_MAX && q.consumer_byte_rate == 0);
    w->script.reply = "{\"Entries\":[]}";
    assert_true(kafka_user_quota_get(w->admin, "u", &q, &w->err));
    assert_true(q.producer_byte_rate == 0 && q.consumer_byte_rate == 0);
    w->script.reply = "{\"ErrorCode\":31,\"Entries\":null}";
    q.producer_byte_rate = 7;
    assert_false(kafka_user_quota_get(w->admin, "u", &q, &w->err));
    assert_int_equal(w->err.kind, ERR_DENIED);
    assert_true(q.producer_byte_rate == 7);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_alter), CASE(test_alter_what_cannot_be_sent), CASE(test_read),
        CASE(test_dynamic), CASE(test_quota_set), CASE(test_quota_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
