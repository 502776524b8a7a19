/* One connection: framing, correlation, negotiated versions (KIP-35, KIP-511). */
#include "kafka/kafka.h"

#include "base/mem.h"
#include "kafka/codec.h"
#include "kafka/errors.h"
#include "kafka/wire.h"

#include <string.h>

enum { FRAME_MAX = 64 * 1024 * 1024, READ_CHUNK = 64 * 1024, API_KEYS = 128 };

typedef struct VersionRange {
    int min, max;
} VersionRange;

struct KafkaConnection {
    Stream *stream;
    char *client_id;
    int32_t correlation;
    bool broken; /* cut off inside a request or an answer: the stream's position is lost */
    VersionRange offered[API_KEYS];
};

/* One call on its way. */
typedef struct Exchange {
    KafkaConnection *connection;
    const KafkaMessage *message;
    int version;
    int64_t deadline_ms;
} Exchange;

KafkaConnection *kafka_close(KafkaConnection *c)
{
    if (!c)
        return NULL;
    stream_free(c->stream);
    free(c->client_id);
    free(c);
    return NULL;
}

int kafka_version_of(const KafkaConnection *c, KafkaApi api)
{
    const KafkaMessage *m = kafka_message(api);
    if (!m || (int)api >= API_KEYS)
        return -1;
    const VersionRange *theirs = &c->offered[api];
    int version = theirs->max < m->max ? theirs->max : m->max;
    return version >= theirs->min && version >= m->min ? version : -1;
}

/* Header version 1, or 2 (with tagged fields) for flexible requests; the client id keeps its 16-bit length in both. */
static void put_header(const Exchange *x, Str *out)
{
    size_t n = strlen(x->connection->client_id);
    wire_put_int(out, 2, x->message->api);
    wire_put_int(out, 2, x->version);
    wire_put_int(out, 4, x->connection->correlation);
    wire_put_int(out, 2, (int64_t)n);
    str_append_n(out, x->connection->client_id, n);
    if (x->version >= x->message->flexible_from)
        wire_put_uvarint(out, 0);
}

static bool send_request(const Exchange *x, const json_t *request, Error *err)
{
    CLEANUP_STR Str body = STR_INIT, frame = STR_INIT;
    put_header(x, &body);
    if (!codec_encode(codec_request_shape(x->message, x->version), request, &body, err))
        return false;
    if (body.len > FRAME_MAX)
        return error_set(err, ERR_INVALID, "the request has %zu bytes, more than 64 MiB", body.len);
    wire_put_int(&frame, 4, (int64_t)body.len);
    str_append_n(&frame, str_text(&body), body.len);
    x->connection->broken = true; /* until the whole answer is here */
    return stream_write(x->connection->stream, str_text(&frame), frame.len, x->deadline_ms, err);
}

static bool read_int(const Exchange *x, int64_t *ret, Error *err)
{
    uint8_t bytes[4];
    WireReader in = {bytes, bytes + sizeof(bytes)};
    return stream_read_all(x->connection->stream, bytes, sizeof(bytes), x->deadline_ms, err) && wire_int(&in, 4, ret);
}

/* Memory grows with what arrives, not with what the frame's size claims. */
static bool read_body(const Exchange *x, size_t size, Str *out, Error *err)
{
    CLEANUP_FREE char *chunk = xmalloc(READ_CHUNK);
    while (size > 0) {
        size_t n = size < READ_CHUNK ? size : READ_CHUNK;
        if (!stream_read_all(x->connection->stream, chunk, n, x->deadline_ms, err))
            return false;
        str_append_n(out, chunk, n);
        size -= n;
    }
    return true;
}

/* The answer without size and correlation id. */
static bool receive(const Exchange *x, Str *out, Error *err)
{
    int64_t size, correlation;
    if (!read_int(x, &size, err))
        return false;
    if (size < 4 || size > FRAME_MAX)
        return error_set(err, ERR_INTERNAL, "the answer claims %lld bytes (4 to 64 MiB expected): is this a Kafka listener, with TLS as configured?",
                         (long long)size);
    if (!read_int(x, &correlation, err))
        return false;
    if (correlation != x->connection->correlation)
        return error_set(err, ERR_INTERNAL, "the answer belongs to request %lld, not to %d", (long long)correlation,
                         (int)x->connection->correlation);
    if (!read_body(x, (size_t)size - 4, out, err))
        return false;
    x->connection->broken = false;
    return true;
}

static bool exchange(const Exchange *x, const json_t *request, Str *answer, Error *err)
{
    KafkaConnection *c = x->connection;
    if (c->broken)
        return error_set(err, ERR_RETRY, "the connection was cut off earlier; connect again");
    c->correlation = c->correlation == INT32_MAX ? 1 : c->correlation + 1;
    return send_request(x, request, err) && receive(x, answer, err);
}

/* Header version 1 (with tagged fields) for flexible answers, except that of ApiVersions, whose reader cannot know yet (KIP-511). */
static bool decode_answer(const Exchange *x, const Str *answer, json_t **ret, Error *err)
{
    const uint8_t *bytes = (const uint8_t *)str_text(answer);
    size_t n = answer->len;
    if (x->version >= x->message->flexible_from && x->message->api != KAFKA_API_VERSIONS && !codec_skip_tags(&bytes, &n, err))
        return false;
    return codec_decode(codec_response_shape(x->message, x->version), bytes, n, ret, err);
}

bool kafka_call(KafkaConnection *c, KafkaApi api, const json_t *request, int64_t deadline_ms, json_t **ret, Error *err)
{
    Exchange x = {c, kafka_message(api), kafka_version_of(c, api), deadline_ms};
    if (!x.message)
        return error_set(err, ERR_INVALID, "Kafka API %d: this program has no table for it", (int)api);
    if (x.version < 0)
        return error_set(err, ERR_DENIED, "Kafka %s: the broker does not offer it in versions %d to %d", x.message->name,
                         x.message->min, x.message->max);
    CLEANUP_STR Str answer = STR_INIT;
    if (!exchange(&x, request, &answer, err) || !decode_answer(&x, &answer, ret, err))
        return error_wrap(err, "Kafka %s", x.message->name);
    return true;
}

static void keep_offer(KafkaConnection *c, const json_t *answer)
{
    size_t i;
    json_t *row;
    for (i = 0; i < API_KEYS; i++)
        c->offered[i] = (VersionRange){0, -1};
    json_array_foreach(json_object_get(answer, "ApiKeys"), i, row)
    {
        json_int_t key = json_int_at(row, "ApiKey", -1);
        if (key >= 0 && key < API_KEYS)
            c->offered[key] = (VersionRange){(int)json_int_at(row, "MinVersion", 0), (int)json_int_at(row, "MaxVersion", -1)};
    }
}

/*
 * Asks in one version. A broker that does not know it answers UNSUPPORTED_VERSION in the shape of version 0, with the range
 * that it does know (KIP-511): *ret_next is then the version to ask next, otherwise -1.
 */
static bool ask_versions(Exchange x, int *ret_next, Error *err)
{
    CLEANUP_JSON json_t *request = x.version < 3 ? json_object()
        : json_pack("{s:s,s:s}", "ClientSoftwareName", "cpbroker", "ClientSoftwareVersion", CPBROKER_VERSION);
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_STR Str bytes = STR_INIT;
    if (!exchange(&x, request, &bytes, err))
        return false;
    WireReader in = {(const uint8_t *)str_text(&bytes), (const uint8_t *)str_text(&bytes) + bytes.len};
    int64_t code;
    bool refused = wire_int(&in, 2, &code) && code == KAFKA_UNSUPPORTED_VERSION;
    x.version = refused ? 0 : x.version;
    if (!decode_answer(&x, &bytes, &answer, err))
        return false;
    if (!refused && !kafka_check_item(answer, "versions", err)) {
        if (err && err->kind != ERR_RETRY)
            err->kind = ERR_INTERNAL; /* a request without arguments cannot be at fault */
        return false;
    }
    keep_offer(x.connection, answer);
    int next = kafka_version_of(x.connection, KAFKA_API_VERSIONS);
    *ret_next = !refused ? -1 : next < 0 ? 0 : next;
    return true;
}

static bool negotiate(KafkaConnection *c, int64_t deadline_ms, Error *err)
{
    const KafkaMessage *m = kafka_message(KAFKA_API_VERSIONS);
    int version = m->max;
    for (int attempt = 0; attempt < 3; attempt++) {
        int next;
        if (!ask_versions((Exchange){c, m, version, deadline_ms}, &next, err))
            return error_wrap(err, "Kafka %s", m->name);
        if (next < 0)
            return true;
        version = next < version ? next : 0;
    }
    return error_set(err, ERR_INTERNAL, "Kafka %s: the broker refuses every version, also 0", m->name);
}

bool kafka_connect(Stream **taken, const char *client_id, int64_t deadline_ms, KafkaConnection **ret, Error *err)
{
    CLEANUP(kafka_close) KafkaConnection *c = xcalloc(1, sizeof(*c));
    c->stream = TAKE(*taken);
    c->client_id = xstrndup(client_id, 255);
    if (!negotiate(c, deadline_ms, err))
        return false;
    *ret = TAKE(c);
    return true;
}
