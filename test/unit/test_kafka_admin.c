/* Kafka administration against fake brokers: the way to the controller, dead connections, sums of health, answers of users and rules. */
#include "test_kafka_fake.h"

#include "base/clock.h"
#include "base/digest.h"
#include "kafka/admin.h"
#include "kafka/records.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What the scripted cluster says. */
typedef struct Script {
    int controllers[4]; /* of Metadata, one after the other; the last stays */
    size_t asked;       /* how often Metadata was asked */
    int real;           /* the broker that accepts; the others say NOT_CONTROLLER */
    const char *reply;  /* JSON for every other API; NULL = {} */
    const char *metadata;
} Script;

static json_t *scripted(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    Script *s = f->context;
    (void)request;
    if (api == KAFKA_METADATA && s->metadata)
        return fake_parse(s->metadata);
    if (api == KAFKA_METADATA)
        return json_pack("{s:i}", "ControllerId", s->controllers[s->asked < 3 ? s->asked++ : 3]);
    if (api == KAFKA_CREATE_TOPICS)
        return json_pack("{s:[{s:s,s:i}]}", "Topics", "Name", "t", "ErrorCode", broker == s->real ? 0 : 41);
    return fake_parse(s->reply ? s->reply : "{}");
}

static const int three[] = {0, 1, 2};

static KafkaAdmin *admin_of(Fake *f, int timeout_ms)
{
    KafkaDial dial = {fake_dial, f};
    return kafka_admin_new(&dial, three, 3, timeout_ms);
}

static bool create(KafkaAdmin *a, int broker, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:[{s:s,s:i,s:i}]}", "Topics", "Name", "t", "NumPartitions", 1, "ReplicationFactor", 1);
    return kafka_admin_call(a, broker, KAFKA_CREATE_TOPICS, request, ret, err);
}

static void test_controller_that_moved(void **state)
{
    (void)state;
    Script s = {.controllers = {1, 2, 2, 2}, .real = 2};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    CLEANUP_JSON json_t *answer = NULL, *again = NULL;
    Error err = {0};
    assert_true(create(a, KAFKA_CONTROLLER_BROKER, &answer, &err));
    assert_int_equal(json_int_at(answer, "Topics.0.ErrorCode", -1), 0);
    assert_int_equal(s.asked, 2);
    s.real = 1; /* it moves once more, which only the answer tells */
    s.controllers[2] = s.controllers[3] = 1;
    assert_true(create(a, KAFKA_CONTROLLER_BROKER, &again, &err));
    assert_int_equal(s.asked, 3);
    str_free(&f.last_frame);
}

static void test_no_controller_in_time(void **state)
{
    (void)state;
    static const int nowhere[] = {1, -1};
    for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
        int at = nowhere[i];
        Script s = {.controllers = {at, at, at, at}, .real = 99};
        Fake f = fake_new(scripted);
        f.context = &s;
        CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 400);
        json_t *answer = NULL;
        Error err = {0};
        int64_t before = clock_ms();
        assert_false(create(a, KAFKA_CONTROLLER_BROKER, &answer, &err));
        assert_int_equal(err.kind, ERR_RETRY);
        assert_null(answer);
        assert_true(clock_ms() - before < 2000);
        str_free(&f.last_frame);
    }
}

static void test_other_brokers_are_asked(void **state)
{
    (void)state;
    Script s = {.controllers = {0, 2, 2, 2}, .real = 2};
    Fake f = fake_new(scripted);
    f.context = &s;
    f.refused_broker = 0; /* the controller of the first answer cannot be reached either */
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    CLEANUP_JSON json_t *answer = NULL;
    Error err = {0};
    assert_true(create(a, KAFKA_CONTROLLER_BROKER, &answer, &err));
    assert_int_equal(f.connections, 2); /* 1 for Metadata, 2 */
    json_t *none = NULL;
    assert_false(create(a, 0, &none, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "kafka-0"));
    str_free(&f.last_frame);
}

static void test_nobody_answers(void **state)
{
    (void)state;
    Fake f = fake_new(scripted);
    KafkaDial dial = {fake_dial, &f};
    static const int one[] = {4};
    f.refused_broker = 4;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = kafka_admin_new(&dial, one, 1, 500);
    CLEANUP(kafka_admin_free) KafkaAdmin *empty = kafka_admin_new(&dial, NULL, 0, 500);
    KafkaHealth h;
    Error err = {0};
    assert_false(kafka_health(a, &h, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "kafka-4"));
    assert_false(kafka_health(empty, &h, &err));
    assert_false(kafka_health(empty, &h, NULL));
    assert_int_equal(f.connections, 0);
}

static void test_kept_connection_that_died(void **state)
{
    (void)state;
    Script s = {.real = 1};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    CLEANUP_JSON json_t *first = NULL, *second = NULL;
    json_t *third = NULL;
    Error err = {0};
    assert_true(create(a, 1, &first, &err));
    f.die_once = true;
    assert_true(create(a, 1, &second, &err));
    assert_int_equal(f.connections, 2);
    assert_int_equal(f.calls, 3);
    f.cut_after = 2; /* the new connection dies as well: no third attempt */
    assert_false(create(a, 1, &third, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(f.connections, 3);
    str_free(&f.last_frame);
}

static void test_health(void **state)
{
    (void)state;
    Script s = {.metadata = "{\"ControllerId\":1,\"Brokers\":[{\"NodeId\":1},{\"NodeId\":7}],\"Topics\":["
                            "{\"Name\":\"a\",\"Partitions\":[{\"LeaderId\":1,\"ReplicaNodes\":[1,2],\"IsrNodes\":[1]},"
                            "{\"LeaderId\":-1,\"ErrorCode\":5,\"ReplicaNodes\":[2],\"IsrNodes\":[2]},"
                            "{\"LeaderId\":1,\"ReplicaNodes\":[1],\"IsrNodes\":[1]}]},"
                            "{\"Name\":\"going\",\"ErrorCode\":3},{\"Name\":\"broken\",\"ErrorCode\":-1}]}"};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    KafkaHealth h;
    Error err = {0};
    assert_true(kafka_health(a, &h, &err));
    assert_int_equal(h.brokers, 1);
    assert_int_equal(h.controller_id, 1);
    assert_int_equal(h.partitions, 3);
    assert_int_equal(h.leaderless, 2);
    assert_int_equal(h.under_replicated, 1);
    assert_string_equal(h.missing, "kafka-0, kafka-2");
    str_free(&f.last_frame);
}

static void test_many_missing_brokers_are_cut(void **state)
{
    (void)state;
    Script s = {.metadata = "{\"ControllerId\":-1}"};
    Fake f = fake_new(scripted);
    f.context = &s;
    KafkaDial dial = {fake_dial, &f};
    int ids[100];
    for (int i = 0; i < 100; i++)
        ids[i] = i;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = kafka_admin_new(&dial, ids, 100, 5000);
    KafkaHealth h;
    Error err = {0};
    assert_true(kafka_health(a, &h, &err));
    assert_int_equal(h.brokers, 0);
    assert_int_equal(strlen(h.missing), sizeof(h.missing) - 1);
    str_free(&f.last_frame);
}

static void test_quorum(void **state)
{
    (void)state;
    Script s = {.reply = "{\"Topics\":[{\"TopicName\":\"__cluster_metadata\",\"Partitions\":[{\"LeaderId\":10,\"CurrentVoters\":["
                         "{\"ReplicaId\":10,\"LastCaughtUpTimestamp\":100000},{\"ReplicaId\":11,\"LastCaughtUpTimestamp\":98001},"
                         "{\"ReplicaId\":12,\"LastCaughtUpTimestamp\":98000},{\"ReplicaId\":13,\"LastCaughtUpTimestamp\":-1}]}]}]}"};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    KafkaQuorum q;
    Error err = {0};
    assert_true(kafka_quorum(a, &q, &err));
    assert_int_equal(q.leader_id, 10);
    assert_int_equal(q.voters, 4);
    assert_int_equal(q.caught_up, 2);
    s.reply = "{\"Topics\":[{\"Partitions\":[{\"LeaderId\":-1,\"CurrentVoters\":[{\"ReplicaId\":10,\"LastCaughtUpTimestamp\":5}]}]}]}";
    assert_true(kafka_quorum(a, &q, &err));
    assert_int_equal(q.caught_up, 0);
    s.reply = "{\"Topics\":[{\"Partitions\":[{\"ErrorCode\":6}]}]}";
    assert_false(kafka_quorum(a, &q, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    s.reply = "{}";
    assert_false(kafka_quorum(a, &q, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    str_free(&f.last_frame);
}

static void test_users(void **state)
{
    (void)state;
    Script s = {.reply = "{\"Results\":[{\"User\":\"u\",\"ErrorCode\":91,\"ErrorMessage\":\"gone\"}]}"};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    Error err = {0};
    bool exists = true;
    assert_true(kafka_user_delete(a, "u", &err));
    assert_true(kafka_user_exists(a, "u", &exists, &err));
    assert_false(exists);
    assert_false(kafka_user_upsert(a, "u", "top-secret", 4096, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_null(strstr(err.text, "top-secret"));
    assert_null(memmem(f.last_frame.data, f.last_frame.len, "top-secret", 10));
    s.reply = "{\"Results\":[{\"User\":\"u\",\"CredentialInfos\":[{\"Mechanism\":1,\"Iterations\":4096}]}]}"; /* only SCRAM-SHA-256 */
    assert_true(kafka_user_exists(a, "u", &exists, &err) && !exists);
    s.reply = "{\"Results\":[{\"User\":\"u\",\"CredentialInfos\":[{\"Mechanism\":2,\"Iterations\":4096}]}]}";
    assert_true(kafka_user_exists(a, "u", &exists, &err) && exists);
    s.reply = "{\"ErrorCode\":31}";
    assert_false(kafka_user_exists(a, "u", &exists, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    s.reply = "{\"Results\":[]}"; /* an answer about nobody proves nothing */
    assert_false(kafka_user_delete(a, "u", &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    int calls = f.calls;
    static const int iterations[] = {0, 4095, 16385};
    for (size_t i = 0; i < ARRAY_SIZE(iterations); i++)
        assert_false(kafka_user_upsert(a, "u", "p", iterations[i], &err));
    assert_false(kafka_user_upsert(a, "", "p", 4096, &err));
    assert_false(kafka_user_upsert(a, "u", "", 4096, &err));
    assert_false(kafka_user_upsert(a, "n\xc3\xa4me", "p", 4096, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(kafka_user_delete(a, "\xff", &err)); /* not UTF-8: must not become "delete nothing" */
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(f.calls, calls);
    str_free(&f.last_frame);
}

static void test_rules(void **state)
{
    (void)state;
    Script s = {.reply = "{\"Results\":[{},{\"ErrorCode\":31,\"ErrorMessage\":\"no rights\"}]}"};
    Fake f = fake_new(scripted);
    f.context = &s;
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 5000);
    static const KafkaAcl rules[] = {{KAFKA_TOPIC, "a", KAFKA_PREFIXED, KAFKA_OP_READ}, {KAFKA_GROUP, "a", KAFKA_LITERAL, KAFKA_OP_READ}};
    Error err = {0};
    size_t count = 7;
    assert_false(kafka_acls_create(a, "u", rules, 2, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_non_null(strstr(err.text, "User:u"));
    s.reply = "{\"Results\":[{}]}"; /* one answer for two rules */
    assert_false(kafka_acls_create(a, "u", rules, 2, &err));
    assert_true(kafka_acls_create(a, "u", NULL, 0, &err));
    s.reply = "{\"FilterResults\":[{\"MatchingAcls\":[{\"ResourceName\":\"a\"},{\"ResourceName\":\"b\"}]}]}";
    assert_true(kafka_acls_delete(a, "u", &count, &err));
    assert_int_equal(count, 2);
    assert_true(kafka_acls_delete(a, "u", NULL, &err));
    s.reply = "{\"FilterResults\":[{\"MatchingAcls\":[{\"ResourceName\":\"a\"},{\"ErrorCode\":7}]}]}";
    assert_false(kafka_acls_delete(a, "u", &count, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(count, 2);
    s.reply = "{\"Resources\":[{\"Acls\":[{},{}]},{\"Acls\":[{}]}]}";
    assert_true(kafka_acls_count(a, "u", &count, &err));
    assert_int_equal(count, 3);
    s.reply = "{\"ErrorCode\":54}";
    assert_false(kafka_acls_count(a, "u", &count, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    str_free(&f.last_frame);
}

/* A cluster that gives back another record than the one it was given. */
static json_t *forgetful(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    (void)f, (void)broker, (void)request;
    CLEANUP_STR Str batch = STR_INIT;
    records_build("something else", 14, 0, &batch);
    CLEANUP_FREE char *records = base64_encode(str_text(&batch), batch.len);
    switch (api) {
    case KAFKA_METADATA:
        return fake_parse("{\"ControllerId\":1,\"Topics\":[{\"Name\":\"c\",\"Partitions\":[{\"LeaderId\":2}]}]}");
    case KAFKA_PRODUCE:
        return fake_parse("{\"Responses\":[{\"Name\":\"c\",\"PartitionResponses\":[{\"BaseOffset\":0}]}]}");
    case KAFKA_FETCH:
        return json_pack("{s:[{s:s,s:[{s:s}]}]}", "Responses", "Topic", "c", "Partitions", "Records", records);
    default:
        return fake_parse("{\"Topics\":[{\"Name\":\"c\",\"ErrorCode\":36}]}");
    }
}

static void test_canary_that_comes_back_changed(void **state)
{
    (void)state;
    Fake f = fake_new(forgetful);
    CLEANUP(kafka_admin_free) KafkaAdmin *a = admin_of(&f, 2000);
    Error err = {0};
    assert_false(kafka_canary(a, "c", 3, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_non_null(strstr(err.text, "topic c"));
    assert_non_null(strstr(err.text, "not the one"));
    assert_false(kafka_canary(a, "c", 0, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    str_free(&f.last_frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_controller_that_moved),
        cmocka_unit_test(test_no_controller_in_time),
        cmocka_unit_test(test_other_brokers_are_asked),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_kept_connection_that_died),
        cmocka_unit_test(test_health),
        cmocka_unit_test(test_many_missing_brokers_are_cut),
        cmocka_unit_test(test_quorum),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_canary_that_comes_back_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
