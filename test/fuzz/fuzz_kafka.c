/*
 * Bytes from a Kafka broker. Input: a byte for the message, one for its version, one for what is read (request, response, batches of records,
 * tagged fields, SCRAM), then the bytes. What was decoded is encoded and decoded again to the same.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "kafka/codec.h"
#include "kafka/records.h"
#include "kafka/scram.h"

#include <string.h>

#define PASSWORD "secret"

enum { HEAD = 3, APIS = 80 };

static void check_round_trip(CodecShape shape, const void *bytes, size_t n)
{
    CLEANUP_JSON json_t *value = NULL, *again = NULL;
    CLEANUP_STR Str out = STR_INIT;
    Error err = {0};
    if (!codec_decode(shape, bytes, n, &value, &err)) {
        fuzz_check_error(&err, ERR_INTERNAL);
        HOLDS(!value);
        return;
    }
    HOLDS(codec_encode(shape, value, &out, &err));
    HOLDS(codec_decode(shape, str_text(&out), out.len, &again, &err));
    HOLDS(fuzz_same_json(value, again));
}

static void check_message(const uint8_t *head, const void *bytes, size_t n, bool request)
{
    const KafkaMessage *m = kafka_message((KafkaApi)(head[0] % APIS));
    if (!m)
        return;
    int version = m->min + head[1] % (m->max - m->min + 1);
    check_round_trip(request ? codec_request_shape(m, version) : codec_response_shape(m, version), bytes, n);
}

/* A record that was found is found again in a batch made of it. */
static void check_records(const uint8_t *head, const void *bytes, size_t n)
{
    CLEANUP_STR Str found = STR_INIT, batch = STR_INIT, again = STR_INIT;
    Error err = {0};
    if (!records_find(bytes, n, head[1], &found, &err)) {
        fuzz_check_error(&err, err.kind == ERR_NOT_FOUND ? ERR_NOT_FOUND : ERR_INTERNAL);
        HOLDS(found.len == 0);
    }
    records_build(bytes, n, head[1], &batch);
    HOLDS(records_find(str_text(&batch), batch.len, 0, &again, &err));
    HOLDS(again.len == n && memcmp(str_text(&again), n ? bytes : "", n) == 0);
}

static void check_tags(const uint8_t *bytes, size_t n)
{
    const uint8_t *at = bytes;
    size_t left = n;
    Error err = {0};
    if (codec_skip_tags(&at, &left, &err))
        HOLDS(at > bytes && at + left == bytes + n);
    else
        fuzz_check_error(&err, ERR_INTERNAL);
}

/* No server is believed that does not know the password; nonces are fixed, so that a proof could be learnt from the corpus alone. */
static void check_scram(const char *text, size_t n)
{
    Error err = {0};
    CLEANUP_SECRET char *final = NULL;
    CLEANUP(scram_free) Scram *s = scram_new(DIGEST_SHA256, "user", PASSWORD, "abc");
    if (!scram_final(s, text, n, &final, &err)) {
        fuzz_check_error(&err, err.kind == ERR_DENIED ? ERR_DENIED : ERR_INTERNAL);
        HOLDS(!final);
    } else {
        bool theirs = memmem(text, n, PASSWORD, strlen(PASSWORD)); /* in the server's own nonce */
        HOLDS(strstr(final, ",p=") && (theirs || !strstr(final, PASSWORD)));
    }
    HOLDS(!scram_verify(s, text, n, &err));
    fuzz_check_error(&err, err.kind == ERR_DENIED ? ERR_DENIED : ERR_INTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < HEAD)
        return 0;
    n -= HEAD;
    CLEANUP_FREE char *exact = xmalloc(n);
    memcpy(exact, data + HEAD, n);
    switch (data[2]) {
    case 'r':
        check_records(data, exact, n);
        break;
    case 't':
        check_tags((const uint8_t *)exact, n);
        break;
    case 's':
        check_scram(exact, n);
        break;
    default:
        check_message(data, exact, n, data[2] == 'q');
    }
    return 0;
}
