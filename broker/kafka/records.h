/* Record batches, version 2 ("magic 2"), uncompressed. */
#ifndef KAFKA_RECORDS_H
#define KAFKA_RECORDS_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

/* CRC-32C (Castagnoli), RFC 3720 appendix B.4. */
uint32_t records_crc32c(const void *bytes, size_t n);

/* Appends a batch of one record without key: offset 0, no producer id. */
void records_build(const void *value, size_t n, int64_t timestamp_ms, Str *out);

/*
 * Appends to *ret the value of the record at `offset` out of the batches that Fetch gave (the last one may be cut short there).
 * false: ERR_NOT_FOUND (no such offset in them), ERR_INTERNAL (damaged, another magic, or compressed).
 */
MUST_CHECK bool records_find(const void *bytes, size_t n, int64_t offset, Str *ret, Error *err);

#endif
