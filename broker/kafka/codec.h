/* Walks a message table over a JSON value (encode) or over bytes (decode); the same walk serves requests and answers. */
#ifndef KAFKA_CODEC_H
#define KAFKA_CODEC_H

#include "base/str.h"
#include "kafka/schema.h"

typedef struct CodecShape {
    const KafkaField *fields;
    int version;
    bool flexible; /* compact lengths and tagged fields */
} CodecShape;

CodecShape codec_request_shape(const KafkaMessage *m, int version);
CodecShape codec_response_shape(const KafkaMessage *m, int version);

bool codec_in_version(CodecShape shape, const KafkaField *f);
/* Whether the field stands among the tagged ones, which may be left out (KIP-482). */
bool codec_is_tagged(CodecShape shape, const KafkaField *f);
/* Whether `value` is the field's default; NULL is. */
bool codec_is_default(const KafkaField *f, const json_t *value);

/*
 * Appends the encoding of `value` (JSON object, see kafka_call) to `out`.
 * false: ERR_INVALID naming the field; `out` may then hold a part.
 */
MUST_CHECK bool codec_encode(CodecShape shape, const json_t *value, Str *out, Error *err);

/*
 * Decodes exactly n bytes. Fields that the version lacks and tagged fields with their default, sent or not (the same: KIP-482), are absent from
 * *ret; unknown tags are skipped.
 * Refuses lengths beyond the bytes at hand, invalid UTF-8, left-over bytes, and more than 4 million values.
 * false: ERR_INTERNAL naming the field.
 */
MUST_CHECK bool codec_decode(CodecShape shape, const void *bytes, size_t n, json_t **ret, Error *err);

/* Skips the tagged fields of a flexible header at *bytes (moves it and *n). false: ERR_INTERNAL. */
MUST_CHECK bool codec_skip_tags(const uint8_t **bytes, size_t *n, Error *err);

#endif
