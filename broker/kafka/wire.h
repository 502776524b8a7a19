/* Primitive values of the Kafka protocol: big-endian integers and variable-length ones, read within hard bounds. */
#ifndef KAFKA_WIRE_H
#define KAFKA_WIRE_H

#include "base/str.h"

#include <stdint.h>

/* Bytes still to be read; every read moves `at` and never passes `end`. On failure `at` is unspecified and nothing is stored. */
typedef struct WireReader {
    const uint8_t *at;
    const uint8_t *end;
} WireReader;

size_t wire_left(const WireReader *r);
/* A signed big-endian integer of 1, 2, 4 or 8 bytes. */
MUST_CHECK bool wire_int(WireReader *r, size_t size, int64_t *ret);
/* Unsigned base-128 integer of at most 32 bits, lowest group first (KIP-482). */
MUST_CHECK bool wire_uvarint(WireReader *r, uint32_t *ret);
/* Zigzag base-128 integer of at most 64 bits, as records use them. */
MUST_CHECK bool wire_varlong(WireReader *r, int64_t *ret);
/* The next n bytes, borrowed. */
MUST_CHECK bool wire_slice(WireReader *r, size_t n, const uint8_t **ret);

void wire_put_int(Str *out, size_t size, int64_t value);
void wire_put_uvarint(Str *out, uint32_t value);
void wire_put_varlong(Str *out, int64_t value);

/* Appends the bytes that base64 text stands for (RFC 4648 section 4). false: not base64. */
MUST_CHECK bool wire_put_base64(Str *out, const char *text);

#endif
