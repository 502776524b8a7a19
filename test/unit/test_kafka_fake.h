/* A Kafka broker in memory for unit tests: a stream whose far end answers each request at once, with faults on demand. */
#ifndef TEST_KAFKA_FAKE_H
#define TEST_KAFKA_FAKE_H

#include "base/mem.h"
#include "kafka/codec.h"
#include "kafka/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct Fake Fake;

/* Gives the answer to a request as JSON (new reference). */
typedef json_t *FakeAnswer(Fake *f, int broker, KafkaApi api, const json_t *request);

struct Fake {
    FakeAnswer *answer;
    void *context;
    int calls;             /* requests other than ApiVersions */
    int connections;       /* opened so far */
    int last_version;      /* of the last request */
    int api_versions_max;  /* highest version of ApiVersions that is known; 4 unless told */
    bool silent_offer;     /* refuses ApiVersions without telling its range */
    KafkaApi limited;      /* an API that is offered as limited_min … limited_max */
    int limited_min, limited_max;
    size_t cut_after;      /* bytes of the next answer that arrive before the connection closes; SIZE_MAX = all */
    int correlation_error; /* added to the correlation id */
    int64_t size_claim;    /* frame size to claim instead of the real one; INT64_MIN = none */
    bool die_once;         /* the next request finds the connection closed */
    int refused_broker;    /* dialling it fails */
    Str last_frame;        /* the last request */
};

typedef struct FakeStream {
    Stream stream;
    Fake *fake;
    int broker;
    Str waiting; /* answer bytes not read yet */
    size_t at;
    bool closed;
} FakeStream;

static UNUSED json_t *fake_parse(const char *text)
{
    json_t *value = NULL;
    Error err = {0};
    if (!json_parse(text, strlen(text), &value, &err))
        fail_msg("%s: %s", text, err.text);
    return value;
}

static UNUSED Fake fake_new(FakeAnswer *answer)
{
    return (Fake){.answer = answer, .api_versions_max = 4, .cut_after = SIZE_MAX, .size_claim = INT64_MIN, .limited = (KafkaApi)-1,
                  .refused_broker = -1};
}

/* Every API of the tables in exactly their versions. */
static json_t *fake_offer(const Fake *f)
{
    json_t *keys = json_array();
    for (int api = 0; api < 128; api++) {
        const KafkaMessage *m = kafka_message((KafkaApi)api);
        if (!m)
            continue;
        bool limited = f->limited == m->api;
        int max = m->api == KAFKA_API_VERSIONS ? f->api_versions_max : limited ? f->limited_max : m->max;
        json_array_append_new(keys, json_pack("{s:i,s:i,s:i}", "ApiKey", api, "MinVersion", limited ? f->limited_min : m->min,
                                              "MaxVersion", max));
    }
    return keys;
}

static json_t *fake_versions(const Fake *f, int *version)
{
    if (*version <= f->api_versions_max)
        return json_pack("{s:o}", "ApiKeys", fake_offer(f));
    *version = 0; /* KIP-511 */
    return json_pack("{s:i,s:o}", "ErrorCode", 35, "ApiKeys", f->silent_offer ? json_array() : fake_offer(f));
}

static json_t *fake_request(const KafkaMessage *m, int version, WireReader in)
{
    int64_t n;
    const uint8_t *bytes;
    size_t left;
    json_t *request = NULL;
    Error err = {0};
    bool ok = wire_int(&in, 2, &n) && wire_slice(&in, (size_t)n, &bytes);
    bytes = in.at;
    left = wire_left(&in);
    ok = ok && (version < m->flexible_from || codec_skip_tags(&bytes, &left, &err)) &&
         codec_decode(codec_request_shape(m, version), bytes, left, &request, &err);
    if (!ok) {
        fprintf(stderr, "the fake cannot read %s v%d: %s\n", m->name, version, err.text);
        abort();
    }
    return request;
}

static void fake_respond(FakeStream *s, const KafkaMessage *m, int version, int64_t correlation, const json_t *answer)
{
    CLEANUP_STR Str body = STR_INIT, frame = STR_INIT;
    Error err = {0};
    Fake *f = s->fake;
    wire_put_int(&body, 4, correlation + f->correlation_error);
    if (version >= m->flexible_from && m->api != KAFKA_API_VERSIONS)
        wire_put_uvarint(&body, 0);
    if (!codec_encode(codec_response_shape(m, version), answer, &body, &err)) {
        fprintf(stderr, "the fake cannot write %s v%d: %s\n", m->name, version, err.text);
        abort();
    }
    wire_put_int(&frame, 4, f->size_claim != INT64_MIN ? f->size_claim : (int64_t)body.len);
    str_append_n(&frame, str_text(&body), body.len);
    s->closed = f->cut_after < frame.len;
    str_append_n(&s->waiting, str_text(&frame), s->closed ? f->cut_after : frame.len);
}

/* The client writes each frame at once. */
static bool fake_write(Stream *stream, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    FakeStream *s = (FakeStream *)stream;
    Fake *f = s->fake;
    WireReader in = {bytes, (const uint8_t *)bytes + n};
    int64_t size, api, version, correlation;
    (void)deadline_ms;
    if (s->closed || !wire_int(&in, 4, &size) || size != (int64_t)wire_left(&in) || !wire_int(&in, 2, &api) ||
        !wire_int(&in, 2, &version) || !wire_int(&in, 4, &correlation))
        return error_set(err, ERR_RETRY, "fake: closed or no whole frame");
    str_clear(&f->last_frame);
    str_append_n(&f->last_frame, bytes, n);
    f->last_version = (int)version;
    const KafkaMessage *m = kafka_message((KafkaApi)api);
    int answer_version = (int)version;
    bool known = api != KAFKA_API_VERSIONS || version <= f->api_versions_max;
    CLEANUP_JSON json_t *request = known ? fake_request(m, (int)version, in) : NULL;
    f->calls += api != KAFKA_API_VERSIONS;
    if (api != KAFKA_API_VERSIONS && f->die_once) {
        f->die_once = false;
        s->closed = true;
        return true;
    }
    CLEANUP_JSON json_t *answer =
        api == KAFKA_API_VERSIONS ? fake_versions(f, &answer_version) : f->answer(f, s->broker, (KafkaApi)api, request);
    fake_respond(s, m, answer_version, correlation, answer);
    return true;
}

/* At most three bytes at a time, as a network may. */
static bool fake_read(Stream *stream, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    FakeStream *s = (FakeStream *)stream;
    size_t left = s->waiting.len - s->at, n = left < max ? left : max;
    (void)deadline_ms;
    if (left == 0 && !s->closed)
        return error_set(err, ERR_RETRY, "fake: timed out");
    n = n < 3 ? n : 3;
    if (n)
        memcpy(buffer, s->waiting.data + s->at, n);
    s->at += n;
    *ret_n = n;
    return true;
}

static void fake_free(Stream *stream)
{
    str_free(&((FakeStream *)stream)->waiting);
    free(stream);
}

static UNUSED Stream *fake_stream(Fake *f, int broker)
{
    static const StreamOps ops = {fake_read, fake_write, fake_free};
    FakeStream *s = xcalloc(1, sizeof(*s));
    *s = (FakeStream){.stream = {&ops}, .fake = f, .broker = broker};
    f->connections++;
    return &s->stream;
}

/* KafkaDial.open with a Fake as the context. */
static UNUSED bool fake_dial(void *context, int broker_id, int64_t deadline_ms, Stream **ret, Error *err)
{
    Fake *f = context;
    (void)deadline_ms;
    if (broker_id == f->refused_broker)
        return error_set(err, ERR_RETRY, "connection refused");
    *ret = fake_stream(f, broker_id);
    return true;
}

#endif
