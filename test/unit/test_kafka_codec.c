/* Kafka wire format: known bytes, round trips of every message and version, and hostile input. */
#include "base/digest.h"
#include "base/mem.h"
#include "kafka/codec.h"
#include "kafka/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const KafkaApi all_apis[] = {
    KAFKA_PRODUCE, KAFKA_FETCH, KAFKA_LIST_OFFSETS, KAFKA_METADATA, KAFKA_SASL_HANDSHAKE, KAFKA_API_VERSIONS,
    KAFKA_CREATE_TOPICS, KAFKA_DELETE_TOPICS, KAFKA_DESCRIBE_ACLS, KAFKA_CREATE_ACLS, KAFKA_DELETE_ACLS,
    KAFKA_SASL_AUTHENTICATE, KAFKA_DESCRIBE_SCRAM, KAFKA_ALTER_SCRAM, KAFKA_DESCRIBE_QUORUM, KAFKA_DESCRIBE_CLUSTER,
    KAFKA_DESCRIBE_CONFIGS, KAFKA_INCREMENTAL_ALTER_CONFIGS, KAFKA_DESCRIBE_CLIENT_QUOTAS, KAFKA_ALTER_CLIENT_QUOTAS,
};

/* Some non-default value of a field, different per field. */
static json_t *sample_struct(const KafkaField *fields, int version, bool tagged_too);

static json_t *sample_one(const KafkaField *f, int version, bool tagged_too)
{
    switch (f->type) {
    case WIRE_BOOL:
        return json_boolean(f->number == 0);
    case WIRE_UUID:
        return json_string("q1Sh-9_ISia_zwGINzRvyQ");
    case WIRE_STRING:
        return json_string(f->name);
    case WIRE_BYTES:
        return json_string("AAECAwT/");
    case WIRE_STRUCT:
        return sample_struct(f->fields, version, tagged_too);
    case WIRE_FLOAT64:
        return json_real(-1234.5e-3);
    case WIRE_UINT16:
        return json_integer(0xfedc);
    case WIRE_INT64:
        return json_integer(-0x123456789abcdef);
    default:
        return json_integer(f->type == WIRE_INT8 ? -7 : f->type == WIRE_INT16 ? -3000 : 0x1234567);
    }
}

static json_t *sample_struct(const KafkaField *fields, int version, bool tagged_too)
{
    json_t *object = json_object();
    for (const KafkaField *f = fields; f->name; f++) {
        if (version < f->first || version > f->last || (f->tagged && !tagged_too))
            continue;
        json_t *value = sample_one(f, version, tagged_too);
        if (f->array)
            value = json_pack("[o,o]", value, sample_one(f, version, tagged_too));
        json_object_set_new(object, f->name, value);
    }
    return object;
}

static void check_round_trip(CodecShape shape)
{
    Error err = {0};
    CLEANUP_JSON json_t *sample = sample_struct(shape.fields, shape.version, shape.flexible);
    CLEANUP_STR Str bytes = STR_INIT;
    if (!codec_encode(shape, sample, &bytes, &err))
        fail_msg("%s", err.text);
    CLEANUP_JSON json_t *back = NULL;
    if (!codec_decode(shape, str_text(&bytes), bytes.len, &back, &err))
        fail_msg("%s", err.text);
    if (!json_equal(sample, back)) {
        CLEANUP_FREE char *is = json_text(back), *should = json_text(sample);
        fail_msg("%s\nis not\n%s", is, should);
    }
    for (size_t n = 0; n < bytes.len; n++) { /* in memory of exactly that size, so that ASan sees every step too far */
        CLEANUP_FREE char *part = xmalloc(n);
        memcpy(part, str_text(&bytes), n);
        json_t *none = NULL;
        assert_false(codec_decode(shape, part, n, &none, &err));
        assert_int_equal(err.kind, ERR_INTERNAL);
        assert_null(none);
    }
    str_append_char(&bytes, 'x');
    CLEANUP_JSON json_t *longer = NULL;
    assert_false(codec_decode(shape, str_text(&bytes), bytes.len, &longer, &err));
}

static void test_round_trips_and_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all_apis); i++) {
        const KafkaMessage *m = kafka_message(all_apis[i]);
        assert_non_null(m);
        for (int version = m->min; version <= m->max; version++) {
            check_round_trip(codec_request_shape(m, version));
            check_round_trip(codec_response_shape(m, version));
        }
    }
    assert_null(kafka_message((KafkaApi)999));
}

/* Any byte of a valid message replaced by any of a few hostile ones: an error or a value, never a step outside. */
static void test_damaged_bytes(void **state)
{
    (void)state;
    static const uint8_t hostile[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t i = 0; i < ARRAY_SIZE(all_apis); i++) {
        const KafkaMessage *m = kafka_message(all_apis[i]);
        CodecShape shape = codec_response_shape(m, m->max);
        CLEANUP_JSON json_t *sample = sample_struct(shape.fields, shape.version, shape.flexible);
        CLEANUP_STR Str bytes = STR_INIT;
        assert_true(codec_encode(shape, sample, &bytes, NULL));
        for (size_t at = 0; at < bytes.len; at++) {
            char kept = bytes.data[at];
            for (size_t h = 0; h < sizeof(hostile); h++) {
                bytes.data[at] = (char)hostile[h];
                CLEANUP_FREE char *exact = xmalloc(bytes.len);
                memcpy(exact, bytes.data, bytes.len);
                CLEANUP_JSON json_t *value = NULL;
                Error err = {0};
                if (!codec_decode(shape, exact, bytes.len, &value, &err))
                    assert_int_equal(err.kind, ERR_INTERNAL);
            }
            bytes.data[at] = kept;
        }
    }
}

static void expect_bytes(KafkaApi api, int version, const char *json, const void *bytes, size_t n)
{
    Error err = {0};
    CLEANUP_JSON json_t *value = NULL;
    assert_true(json_parse(json, strlen(json), &value, &err));
    CLEANUP_STR Str out = STR_INIT;
    if (!codec_encode(codec_request_shape(kafka_message(api), version), value, &out, &err))
        fail_msg("%s", err.text);
    assert_int_equal(out.len, n);
    assert_memory_equal(str_text(&out), bytes, n);
}

static void test_known_bytes(void **state)
{
    (void)state;
    static const char handshake[] = "\x00\x0dSCRAM-SHA-512";
    expect_bytes(KAFKA_SASL_HANDSHAKE, 1, "{\"Mechanism\":\"SCRAM-SHA-512\"}", handshake, sizeof(handshake) - 1);
    static const char all_classic[] = "\xff\xff\xff\xff\x01\x00\x01";
    expect_bytes(KAFKA_METADATA, 8, "{\"Topics\":null,\"IncludeTopicAuthorizedOperations\":true}", all_classic, 7);
    static const char all_flexible[] = "\x00\x00\x00\x00";
    expect_bytes(KAFKA_METADATA, 12, "{\"Topics\":null,\"AllowAutoTopicCreation\":false}", all_flexible, 4);
    static const char one_topic[] = "\x02" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x03" "ab" "\x00" "\x01\x00\x00";
    expect_bytes(KAFKA_METADATA, 12, "{\"Topics\":[{\"Name\":\"ab\"}]}", one_topic, sizeof(one_topic) - 1);
    static const char names[] = "\x09" "cpbroker" "\x02" "1" "\x00";
    expect_bytes(KAFKA_API_VERSIONS, 3, "{\"ClientSoftwareName\":\"cpbroker\",\"ClientSoftwareVersion\":\"1\"}", names,
                 sizeof(names) - 1);
    static const char cluster_id[] = "\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x7f\xff\xff\xff\x00\0\0\0\0\xff\xff\xff\xff\x01\x01\x01"
                                     "\x01\x00\x02\x02x";
    static const char quota[] = "\0\0\0\x01" "\0\0\0\x01\0\x04user\0\x01u" "\0\0\0\x01\0\x01k" "\x40\x90\0\0\0\0\0\0" "\x00" "\x01";
    expect_bytes(KAFKA_ALTER_CLIENT_QUOTAS, 0, "{\"Entries\":[{\"Entity\":[{\"EntityType\":\"user\",\"EntityName\":\"u\"}],"
                 "\"Ops\":[{\"Key\":\"k\",\"Value\":1024}]}],\"ValidateOnly\":true}", quota, sizeof(quota) - 1);
    expect_bytes(KAFKA_FETCH, 12, "{\"ClusterId\":\"x\"}", cluster_id, sizeof(cluster_id) - 1);
}

static json_t *decode_response(KafkaApi api, int version, const char *bytes, size_t n, Error *err)
{
    json_t *value = NULL;
    return codec_decode(codec_response_shape(kafka_message(api), version), bytes, n, &value, err) ? value : NULL;
}

static void test_unknown_tags_are_skipped(void **state)
{
    (void)state;
    static const char bytes[] = "\x00\x00" "\x02\x00\x03\x00\x00\x00\x0c" "\x01\x63\x02" "ab" "\x00\x00\x00\x07"
                                "\x02" "\x01\x08\x00\x00\x00\x00\x00\x00\x00\x09" "\x7f\x01!";
    Error err = {0};
    CLEANUP_JSON json_t *v = decode_response(KAFKA_API_VERSIONS, 3, bytes, sizeof(bytes) - 1, &err);
    assert_non_null(v);
    assert_int_equal(json_int_at(v, "ApiKeys.0.ApiKey", -1), 3);
    assert_int_equal(json_int_at(v, "ApiKeys.0.MaxVersion", -1), 12);
    assert_int_equal(json_int_at(v, "ThrottleTimeMs", -1), 7);
    assert_int_equal(json_int_at(v, "FinalizedFeaturesEpoch", -1), 9);
    assert_null(json_object_get(v, "ZkMigrationReady"));
}

/* KIP-482: a default that was sent says no more than one that was left out. */
static void test_tagged_defaults_are_absent(void **state)
{
    (void)state;
    static const char bytes[] = "\x00\x00" "\x01" "\x00\x00\x00\x00" "\x03" "\x00\x01\x01" "\x01\x08\xff\xff\xff\xff\xff\xff\xff\xff" "\x03\x01\x01";
    Error err = {0};
    CLEANUP_JSON json_t *v = decode_response(KAFKA_API_VERSIONS, 3, bytes, sizeof(bytes) - 1, &err);
    assert_non_null(v);
    assert_null(json_object_get(v, "SupportedFeatures"));
    assert_null(json_object_get(v, "FinalizedFeaturesEpoch"));
    assert_true(json_is_true(json_object_get(v, "ZkMigrationReady")));
}

static void expect_malformed(KafkaApi api, int version, const char *bytes, size_t n, const char *needle)
{
    Error err = {0};
    assert_null(decode_response(api, version, bytes, n, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    if (!strstr(err.text, needle))
        fail_msg("\"%s\" does not say \"%s\"", err.text, needle);
}

#define EXPECT_MALFORMED(api, version, bytes, needle) expect_malformed(api, version, bytes, sizeof(bytes) - 1, needle)

static void refuse(KafkaApi api, int version, const char *json, const char *needle)
{
    Error err = {0};
    CLEANUP_JSON json_t *value = NULL;
    assert_true(json_parse(json, strlen(json), &value, &err));
    CLEANUP_STR Str out = STR_INIT;
    assert_false(codec_encode(codec_request_shape(kafka_message(api), version), value, &out, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, needle))
        fail_msg("\"%s\" does not say \"%s\"", err.text, needle);
}

#define QUOTA_OF(bits) "\0\0\0\0" "\0\0" "\xff\xff" "\0\0\0\x01" "\0\0\0\0" "\0\0\0\x01" "\0\x01k" bits
static void test_floats(void **state)
{
    (void)state;
    static const char largest[] = QUOTA_OF("\x7f\xef\xff\xff\xff\xff\xff\xff");
    Error err = {0};
    CLEANUP_JSON json_t *v = decode_response(KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, largest, sizeof(largest) - 1, &err);
    assert_non_null(v);
    assert_true(json_real_value(json_at(v, "Entries.0.Values.0.Value")) == 0x1.fffffffffffffp1023);
    EXPECT_MALFORMED(KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, QUOTA_OF("\x7f\xf8\0\0\0\0\0\0"), "finite");
    EXPECT_MALFORMED(KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, QUOTA_OF("\xff\xf0\0\0\0\0\0\0"), "finite");
    EXPECT_MALFORMED(KAFKA_DESCRIBE_CLIENT_QUOTAS, 0, QUOTA_OF("\x40\0\0\0\0\0\0"), "reaches beyond");
    refuse(KAFKA_ALTER_CLIENT_QUOTAS, 1, "{\"Entries\":[{\"Ops\":[{\"Value\":\"1\"}]}]}", "must be a number");
}

static void test_hostile_lengths(void **state)
{
    (void)state;
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 0, "\x00\x00\x7f\xff\xff\xff", "ApiKeys");             /* count beyond the bytes */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 0, "\x00\x00\xff\xff\xff\xff", "negative");            /* null list that must not be */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 0, "\x00\x00\x80\x00\x00\x00", "negative");
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\xff\xff\xff\xff\x0f\x00", "ApiKeys");      /* compact 2^32 - 1 */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\xff\xff\xff\xff\xff\xff\xff", "ApiKeys");  /* more than 32 bits */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\x00", "negative");                         /* compact null */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\x01\0\0\0\0\x01\x01\x20\x00", "tagged");    /* tag longer than the bytes */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\x01\0\0\0\0\x01\x03\x02\x01\x01", "shorter"); /* tag with a rest */
    EXPECT_MALFORMED(KAFKA_API_VERSIONS, 3, "\x00\x00\x01\0\0\0\0\xff\xff\xff\xff\x0f", "tagged"); /* 4 billion tags */
    EXPECT_MALFORMED(KAFKA_SASL_HANDSHAKE, 1, "\x00\x00\x00\x00\x00\x01\x00\x02\xc3\x28", "UTF-8");
    EXPECT_MALFORMED(KAFKA_SASL_HANDSHAKE, 1, "\x00\x00\x00\x00\x00\x01\xff\xfe", "negative");
    EXPECT_MALFORMED(KAFKA_SASL_HANDSHAKE, 1, "\x00\x00\x00\x00\x00\x00\x00", "left over");
}

/* One byte per element is the densest that a message can be; the decoder must give up before it eats memory. */
static void test_too_many_values(void **state)
{
    (void)state;
    enum { COUNT = 5 * 1000 * 1000 };
    CLEANUP_STR Str bytes = STR_INIT;
    wire_put_int(&bytes, 4, COUNT);
    for (int i = 0; i < COUNT; i++)
        str_append_char(&bytes, 'x');
    static const KafkaField flags[] = {FIELD("Flags", BOOL, 0, ANY, LIST), FIELDS_END};
    Error err = {0};
    json_t *value = NULL;
    assert_false(codec_decode((CodecShape){flags, 0, false}, str_text(&bytes), bytes.len, &value, &err));
    assert_non_null(strstr(err.text, "too many"));
}

static void test_requests_that_do_not_fit(void **state)
{
    (void)state;
    refuse(KAFKA_METADATA, 12, "[]", "object");
    refuse(KAFKA_METADATA, 12, "{\"topics\":[]}", "topics is not part");
    refuse(KAFKA_METADATA, 12, "{\"Topics\":{}}", "Topics must be an array");
    refuse(KAFKA_METADATA, 12, "{\"Topics\":[1]}", "object");
    refuse(KAFKA_METADATA, 12, "{\"Topics\":[{\"TopicId\":\"short\"}]}", "TopicId");
    refuse(KAFKA_METADATA, 9, "{\"Topics\":[{\"Name\":null}]}", "Name must not be null");
    refuse(KAFKA_METADATA, 12, "{\"AllowAutoTopicCreation\":1}", "true or false");
    refuse(KAFKA_METADATA, 12, "{\"IncludeClusterAuthorizedOperations\":true}", "version 12");
    refuse(KAFKA_CREATE_TOPICS, 7, "{\"timeoutMs\":2147483648}", "range");
    refuse(KAFKA_CREATE_TOPICS, 7, "{\"timeoutMs\":\"1\"}", "integer");
    refuse(KAFKA_CREATE_TOPICS, 7, "{\"Topics\":[{\"Name\":\"a\",\"ReplicationFactor\":40000}]}", "ReplicationFactor");
    refuse(KAFKA_SASL_AUTHENTICATE, 2, "{\"AuthBytes\":\"***\"}", "base64");
    refuse(KAFKA_DELETE_TOPICS, 5, "{\"TopicNames\":[null]}", "TopicNames");
    CLEANUP_FREE char *name = xcalloc(1, 32769);
    memset(name, 'n', 32768);
    CLEANUP_FREE char *json = xasprintf("{\"Mechanism\":\"%s\"}", name);
    refuse(KAFKA_SASL_HANDSHAKE, 1, json, "32767");
    static const char no_topics[] = "\x01\x00\x00\x00"; /* a default of a field that the version lacks is left out */
    expect_bytes(KAFKA_METADATA, 12, "{\"AllowAutoTopicCreation\":false,\"IncludeClusterAuthorizedOperations\":false}", no_topics, 4);
}

static void test_varints(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 63, -64, 64, 300, -300, INT32_MAX, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        CLEANUP_STR Str out = STR_INIT;
        int64_t back = 0;
        wire_put_varlong(&out, values[i]);
        WireReader in = {(const uint8_t *)str_text(&out), (const uint8_t *)str_text(&out) + out.len};
        assert_true(wire_varlong(&in, &back));
        assert_true(back == values[i]);
        assert_int_equal(wire_left(&in), 0);
    }
    CLEANUP_STR Str out = STR_INIT;
    wire_put_varlong(&out, -65);
    assert_int_equal(out.len, 2);
    assert_memory_equal(str_text(&out), "\x81\x01", 2);
    static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    int64_t value;
    WireReader in = {endless, endless + sizeof(endless)};
    assert_false(wire_varlong(&in, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips_and_every_prefix), cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_known_bytes),                  cmocka_unit_test(test_unknown_tags_are_skipped),
        cmocka_unit_test(test_tagged_defaults_are_absent),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_hostile_lengths),              cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_requests_that_do_not_fit),     cmocka_unit_test(test_varints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
