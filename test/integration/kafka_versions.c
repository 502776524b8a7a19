/*
 * Every version of the messages for settings and quotas that real brokers on loopback offer; kafka_call would speak the highest only.
 * Started by test_kafka_client.py as kafka_client is.
 */
#include "kafka_client.h"

#include "kafka/codec.h"
#include "kafka/wire.h"

/* A request, and a part of the answer that tells whether it was understood. */
typedef struct VersionCase {
    KafkaApi api;
    const char *request;
    const char *path, *wanted;
} VersionCase;

static const VersionCase version_cases[] = {
    {KAFKA_DESCRIBE_CONFIGS,
     "{\"Resources\":[{\"ResourceType\":4,\"ResourceName\":\"1\",\"ConfigurationKeys\":[\"compression.type\"]}]}",
     "Results.0.Configs.0.Value", "\"gzip\""},
    {KAFKA_INCREMENTAL_ALTER_CONFIGS,
     "{\"Resources\":[{\"ResourceType\":4,\"Configs\":[{\"Name\":\"compression.type\",\"Value\":\"lz4\"}]}],\"ValidateOnly\":true}",
     "Responses.0.ErrorCode", "0"},
    {KAFKA_ALTER_CLIENT_QUOTAS,
     "{\"Entries\":[{\"Entity\":[{\"EntityType\":\"user\",\"EntityName\":\"versions\"}],\"Ops\":["
     "{\"Key\":\"producer_byte_rate\",\"Value\":4096}]}]}",
     "Entries.0.ErrorCode", "0"},
    {KAFKA_DESCRIBE_CLIENT_QUOTAS, "{\"Components\":[{\"EntityType\":\"user\",\"Match\":\"versions\"}],\"Strict\":true}",
     "Entries.0.Values.0.Value", "4096.0"},
};

static bool put_frame(const VersionCase *c, int version, Str *frame, Error *err)
{
    const KafkaMessage *m = kafka_message(c->api);
    CLEANUP_JSON json_t *request = NULL;
    CLEANUP_STR Str body = STR_INIT;
    wire_put_int(&body, 2, c->api);
    wire_put_int(&body, 2, version);
    wire_put_int(&body, 4, 1);  /* correlation id */
    wire_put_int(&body, 2, -1); /* no client id */
    if (version >= m->flexible_from)
        wire_put_uvarint(&body, 0);
    if (!json_parse(c->request, strlen(c->request), &request, err) ||
        !codec_encode(codec_request_shape(m, version), request, &body, err))
        return false;
    wire_put_int(frame, 4, (int64_t)body.len);
    str_append_n(frame, str_text(&body), body.len);
    return true;
}

/* One request and its answer. */
static bool call_version(Run *run, const VersionCase *c, int version, json_t **ret, Error *err)
{
    CLEANUP(stream_free) Stream *stream = NULL;
    CLEANUP_STR Str frame = STR_INIT;
    const KafkaMessage *m = kafka_message(c->api);
    int64_t deadline_ms = clock_ms() + CALL_MS, size;
    size_t header = version >= m->flexible_from ? 5 : 4; /* correlation id, no tagged fields */
    uint8_t head[4];
    WireReader in = {head, head + sizeof(head)};
    if (!put_frame(c, version, &frame, err) || !dial_port(run, run->brokers[0].admin_port, true, deadline_ms, &stream, err) ||
        !stream_write(stream, str_text(&frame), frame.len, deadline_ms, err) ||
        !stream_read_all(stream, head, sizeof(head), deadline_ms, err))
        return false;
    if (!wire_int(&in, 4, &size) || size < (int64_t)header || size > 1 << 20)
        return error_set(err, ERR_INTERNAL, "no frame");
    CLEANUP_FREE char *bytes = xmalloc((size_t)size);
    return stream_read_all(stream, bytes, (size_t)size, deadline_ms, err) &&
           codec_decode(codec_response_shape(m, version), bytes + header, (size_t)size - header, ret, err);
}

static bool understood(Run *run, const VersionCase *c, int version, Error *err)
{
    int64_t deadline_ms = clock_ms() + LOGIN_WAIT_MS;
    do { /* quotas spread */
        CLEANUP_JSON json_t *answer = NULL;
        if (!call_version(run, c, version, &answer, err))
            return false;
        const json_t *part = json_at(answer, c->path);
        char *text = part ? json_dumps(part, JSON_ENCODE_ANY) : NULL;
        bool ok = text && strcmp(text, c->wanted) == 0;
        error_set(err, ERR_INTERNAL, "%s is %s", c->path, text ? text : "absent");
        free(text);
        if (ok)
            return true;
        clock_sleep_ms(100);
    } while (clock_ms() < deadline_ms);
    return false;
}

/* Every version that the broker offers is one of the tables, and is spoken. */
static void check_versions(Run *run)
{
    Error err = {0};
    CLEANUP_JSON json_t *request = json_pack("{s:s,s:s}", "ClientSoftwareName", "test", "ClientSoftwareVersion", "1"), *offer = NULL;
    bool ok = kafka_admin_call(run->admin, run->brokers[0].id, KAFKA_API_VERSIONS, request, &offer, &err);
    for (size_t i = 0; i < ARRAY_SIZE(version_cases); i++) {
        const VersionCase *c = &version_cases[i];
        const KafkaMessage *m = kafka_message(c->api);
        size_t k;
        json_t *row;
        int first = 0, last = -1;
        json_array_foreach(json_object_get(offer, "ApiKeys"), k, row)
        {
            if (json_int_at(row, "ApiKey", -1) == (json_int_t)c->api) {
                first = (int)json_int_at(row, "MinVersion", 0);
                last = (int)json_int_at(row, "MaxVersion", -1);
            }
        }
        CLEANUP_FREE char *range = xasprintf("versions: %s %d to %d are offered and known", m->name, first, last);
        check(run, ok && first >= m->min && first <= last && last <= m->max, range, &err);
        for (int version = first; version <= last; version++) {
            CLEANUP_FREE char *name = xasprintf("versions: %s %d", m->name, version);
            check(run, understood(run, c, version, &err), name, &err);
        }
    }
    check(run, kafka_user_quota_set(run->admin, "versions", &(KafkaUserQuota){0, 0}, &err), "versions: quota removed", &err);
}

int main(int argc, char **argv)
{
    return run_driver(argc, argv, check_versions);
}
