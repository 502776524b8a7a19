/* Kafka connections and logins against a fake broker: negotiation, faults in the middle of an answer, servers that cheat. */
#include "test_kafka_fake.h"

#include "base/clock.h"
#include "base/digest.h"
#include "kafka/kafka.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SOON (clock_ms() + 5000)

static json_t *controller_is_7(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    (void)f, (void)broker, (void)request;
    return api == KAFKA_METADATA ? json_pack("{s:i}", "ControllerId", 7) : json_object();
}

static KafkaConnection *connect_to(Fake *f)
{
    Error err = {0};
    Stream *stream = fake_stream(f, 0);
    KafkaConnection *c = NULL;
    if (!kafka_connect(&stream, "unit", SOON, &c, &err))
        fail_msg("%s", err.text);
    assert_null(stream);
    return c;
}

static bool ask_metadata(KafkaConnection *c, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *request = json_pack("{s:n}", "Topics");
    return kafka_call(c, KAFKA_METADATA, request, SOON, ret, err);
}

static void test_negotiation(void **state)
{
    (void)state;
    static const struct {
        int max;
        bool silent;
        int spoken;
    } rows[] = {{4, false, 4}, {3, false, 3}, {2, false, 2}, {0, false, 0}, {2, true, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Fake f = fake_new(controller_is_7);
        f.api_versions_max = rows[i].max;
        f.silent_offer = rows[i].silent;
        CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
        assert_int_equal(f.last_version, rows[i].spoken);
        assert_int_equal(kafka_version_of(c, KAFKA_METADATA), 12);
        str_free(&f.last_frame);
    }
}

static void test_broker_that_refuses_every_version(void **state)
{
    (void)state;
    Fake f = fake_new(controller_is_7);
    f.api_versions_max = -1;
    Error err = {0};
    Stream *stream = fake_stream(&f, 0);
    KafkaConnection *c = NULL;
    assert_false(kafka_connect(&stream, "unit", SOON, &c, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_null(stream);
    assert_null(c);
    str_free(&f.last_frame);
}

static void test_common_version(void **state)
{
    (void)state;
    static const struct {
        int min, max, spoken;
    } rows[] = {{0, 9, 9}, {0, 8, 8}, {12, 12, 12}, {10, 20, 12}, {13, 15, -1}, {0, 3, -1}, {0, -1, -1}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Fake f = fake_new(controller_is_7);
        f.limited = KAFKA_METADATA;
        f.limited_min = rows[i].min;
        f.limited_max = rows[i].max;
        CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
        CLEANUP_JSON json_t *answer = NULL;
        Error err = {0};
        bool ok = ask_metadata(c, &answer, &err);
        assert_int_equal(kafka_version_of(c, KAFKA_METADATA), rows[i].spoken);
        assert_int_equal(ok, rows[i].spoken >= 0);
        if (ok)
            assert_int_equal(f.last_version, rows[i].spoken);
        else
            assert_int_equal(err.kind, ERR_DENIED);
        assert_int_equal(json_int_at(answer, "ControllerId", -1), ok ? 7 : -1);
        str_free(&f.last_frame);
    }
    Fake f = fake_new(controller_is_7);
    CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
    assert_int_equal(kafka_version_of(c, (KafkaApi)99), -1);
    str_free(&f.last_frame);
}

/* Closed after each possible number of bytes: an error each time, and the connection is not used again. */
static void test_closed_inside_an_answer(void **state)
{
    (void)state;
    bool whole = false;
    for (size_t n = 0; !whole; n++) {
        Fake f = fake_new(controller_is_7);
        CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
        CLEANUP_JSON json_t *answer = NULL;
        Error err = {0};
        f.cut_after = n;
        whole = ask_metadata(c, &answer, &err);
        if (!whole) {
            assert_int_equal(err.kind, ERR_RETRY);
            assert_null(answer);
            assert_false(ask_metadata(c, &answer, &err));
            assert_int_equal(err.kind, ERR_RETRY);
            assert_int_equal(f.calls, 1);
        }
        assert_true(n < 200);
        str_free(&f.last_frame);
    }
}

static void test_impossible_frames(void **state)
{
    (void)state;
    static const int64_t claims[] = {0, 3, -1, INT32_MIN, 64 * 1024 * 1024 + 1, INT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(claims) + 1; i++) {
        Fake f = fake_new(controller_is_7);
        CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
        CLEANUP_JSON json_t *answer = NULL;
        Error err = {0};
        if (i < ARRAY_SIZE(claims))
            f.size_claim = claims[i];
        else
            f.correlation_error = 1;
        assert_false(ask_metadata(c, &answer, &err));
        assert_int_equal(err.kind, ERR_INTERNAL);
        f.size_claim = INT64_MIN;
        f.correlation_error = 0;
        assert_false(ask_metadata(c, &answer, &err));
        assert_int_equal(f.calls, 1);
        str_free(&f.last_frame);
    }
}

/* A request at fault does not cost the connection. */
static void test_bad_request(void **state)
{
    (void)state;
    Fake f = fake_new(controller_is_7);
    CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
    CLEANUP_JSON json_t *request = json_pack("{s:i}", "NoSuchField", 1), *answer = NULL;
    Error err = {0};
    assert_false(kafka_call(c, KAFKA_METADATA, request, SOON, &answer, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(kafka_call(c, KAFKA_METADATA, NULL, SOON, &answer, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(kafka_call(c, (KafkaApi)99, request, SOON, &answer, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_true(ask_metadata(c, &answer, &err));
    assert_int_equal(f.calls, 1);
    str_free(&f.last_frame);
}

/* How a fake SCRAM server behaves. */
typedef enum Cheat { WRONG_SIGNATURE, ERROR_MESSAGE, FOREIGN_NONCE, FEW_ITERATIONS, REFUSES, NO_MECHANISM } Cheat;

static json_t *auth_bytes(char *text)
{
    CLEANUP_FREE char *coded = base64_encode(text, strlen(text));
    free(text);
    return json_pack("{s:s}", "AuthBytes", coded);
}

static json_t *cheating_server(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    Cheat cheat = *(const Cheat *)f->context;
    CLEANUP_STR Str message = STR_INIT;
    (void)broker;
    if (api == KAFKA_SASL_HANDSHAKE)
        return json_pack("{s:i,s:[s]}", "ErrorCode", cheat == NO_MECHANISM ? 33 : 0, "Mechanisms", "PLAIN");
    if (cheat == REFUSES)
        return json_pack("{s:i,s:s}", "ErrorCode", 58, "ErrorMessage", "no");
    if (!wire_put_base64(&message, json_string_at(request, "AuthBytes", "")))
        return json_object();
    const char *nonce = strstr(str_text(&message), "r=") + 2;
    if (strncmp(str_text(&message), "n,,", 3) == 0)
        return auth_bytes(xasprintf("r=%s%s,s=c2FsdA==,i=%d", cheat == FOREIGN_NONCE ? "x" : nonce, "more",
                                    cheat == FEW_ITERATIONS ? 1 : 4096));
    return auth_bytes(xstrdup(cheat == ERROR_MESSAGE ? "e=invalid-proof"
                                                     : "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                                       "AAAAAAAA=="));
}

static void test_scram_servers_that_cheat(void **state)
{
    (void)state;
    static const struct {
        Cheat cheat;
        ErrorKind kind;
        int calls;
    } rows[] = {{WRONG_SIGNATURE, ERR_DENIED, 3}, {ERROR_MESSAGE, ERR_DENIED, 3}, {FOREIGN_NONCE, ERR_DENIED, 2},
                {FEW_ITERATIONS, ERR_DENIED, 2},  {REFUSES, ERR_DENIED, 2},       {NO_MECHANISM, ERR_INVALID, 1}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Fake f = fake_new(cheating_server);
        Cheat cheat = rows[i].cheat;
        f.context = &cheat;
        CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
        Error err = {0};
        assert_false(kafka_login_scram(c, "SCRAM-SHA-512", "someone", "top-secret", SOON, &err));
        assert_int_equal(err.kind, rows[i].kind);
        assert_int_equal(f.calls, rows[i].calls);
        assert_non_null(strstr(err.text, "someone"));
        assert_null(strstr(err.text, "top-secret"));
        assert_null(memmem(f.last_frame.data, f.last_frame.len, "top-secret", 10));
        str_free(&f.last_frame);
    }
    Fake f = fake_new(cheating_server);
    CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
    Error err = {0};
    assert_false(kafka_login_scram(c, "GSSAPI", "someone", "x", SOON, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(f.calls, 0);
    str_free(&f.last_frame);
}

static json_t *plain_server(Fake *f, int broker, KafkaApi api, const json_t *request)
{
    (void)f, (void)broker;
    CLEANUP_STR Str message = STR_INIT;
    if (api == KAFKA_SASL_HANDSHAKE)
        return json_object();
    bool right = wire_put_base64(&message, json_string_at(request, "AuthBytes", "")) && message.len == 9 &&
                 memcmp(str_text(&message), "\0user\0key", 9) == 0;
    return json_pack("{s:i}", "ErrorCode", right ? 0 : 58);
}

static void test_plain(void **state)
{
    (void)state;
    Fake f = fake_new(plain_server);
    CLEANUP(kafka_close) KafkaConnection *c = connect_to(&f);
    Error err = {0};
    assert_true(kafka_login_plain(c, "user", "key", SOON, &err));
    assert_false(kafka_login_plain(c, "user", "kez", SOON, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    str_free(&f.last_frame);
}

static void test_codes(void **state)
{
    (void)state;
    Error err = {0};
    assert_true(kafka_check(0, "ignored", "x", &err));
    assert_int_equal(err.kind, ERR_NONE);
    static const struct {
        int code;
        ErrorKind kind;
        const char *name;
    } rows[] = {{41, ERR_RETRY, "NOT_CONTROLLER"},   {29, ERR_DENIED, "TOPIC_AUTHORIZATION_FAILED"},
                {36, ERR_CONFLICT, "TOPIC_ALREADY_EXISTS"}, {91, ERR_NOT_FOUND, "RESOURCE_NOT_FOUND"},
                {42, ERR_INVALID, "INVALID_REQUEST"}, {-1, ERR_INTERNAL, "UNKNOWN_SERVER_ERROR"},
                {19, ERR_RETRY, "NOT_ENOUGH_REPLICAS"}, {9999, ERR_INTERNAL, "error 9999"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(kafka_error_name(rows[i].code), rows[i].name);
        assert_false(kafka_check(rows[i].code, "because", "topic t", &err));
        assert_int_equal(err.kind, rows[i].kind);
        assert_non_null(strstr(err.text, rows[i].name));
        assert_non_null(strstr(err.text, "topic t"));
        assert_non_null(strstr(err.text, "because"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_broker_that_refuses_every_version),
        cmocka_unit_test(test_common_version),
        cmocka_unit_test(test_closed_inside_an_answer),
        cmocka_unit_test(test_impossible_frames),
        cmocka_unit_test(test_bad_request),
        cmocka_unit_test(test_scram_servers_that_cheat),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
