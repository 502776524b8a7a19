/* Record batches, version 2. */
#include "kafka/records.h"

#include "kafka/wire.h"

enum {
    MAGIC = 2,
    PREFIX_SIZE = 12,  /* base offset and length, which the length does not count */
    HEADER_REST = 49,  /* from the leader epoch to the record count */
    COMPRESSION = 0x7, /* bits of the attributes */
};

/* The fields of a batch that a reader needs. */
typedef struct Batch {
    int64_t base_offset;
    int64_t attributes;
    int64_t last_offset_delta;
    int64_t count;
    WireReader records;
} Batch;

uint32_t records_crc32c(const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (~(crc & 1) + 1));
    }
    return ~crc;
}

/* attributes, deltas and key of the only record, then value and no headers */
static void put_record(Str *out, const void *value, size_t n)
{
    CLEANUP_STR Str record = STR_INIT;
    wire_put_int(&record, 1, 0);
    wire_put_varlong(&record, 0);
    wire_put_varlong(&record, 0);
    wire_put_varlong(&record, -1);
    wire_put_varlong(&record, (int64_t)n);
    str_append_n(&record, value, n);
    wire_put_varlong(&record, 0);
    wire_put_varlong(out, (int64_t)record.len);
    str_append_n(out, str_text(&record), record.len);
}

void records_build(const void *value, size_t n, int64_t timestamp_ms, Str *out)
{
    CLEANUP_STR Str body = STR_INIT; /* what the checksum covers */
    wire_put_int(&body, 2, 0);       /* attributes: no compression, create time */
    wire_put_int(&body, 4, 0);       /* last offset delta */
    wire_put_int(&body, 8, timestamp_ms);
    wire_put_int(&body, 8, timestamp_ms);
    wire_put_int(&body, 8, -1); /* producer id */
    wire_put_int(&body, 2, -1); /* producer epoch */
    wire_put_int(&body, 4, -1); /* first sequence number */
    wire_put_int(&body, 4, 1);  /* records */
    put_record(&body, value, n);
    wire_put_int(out, 8, 0);
    wire_put_int(out, 4, (int64_t)body.len + 9);
    wire_put_int(out, 4, -1); /* leader epoch */
    wire_put_int(out, 1, MAGIC);
    wire_put_int(out, 4, records_crc32c(str_text(&body), body.len));
    str_append_n(out, str_text(&body), body.len);
}

static bool damaged(Error *err, const char *why)
{
    return error_set(err, ERR_INTERNAL, "record batch: %s", why);
}

/* What follows base offset and length; `in` covers exactly the length. */
static bool read_header(WireReader in, Batch *b, Error *err)
{
    int64_t epoch, magic, crc, skipped;
    bool ok = wire_int(&in, 4, &epoch) && wire_int(&in, 1, &magic);
    if (!ok || magic != MAGIC)
        return damaged(err, "its format is not version 2");
    ok = wire_int(&in, 4, &crc);
    if (!ok || (uint32_t)crc != records_crc32c(in.at, wire_left(&in)))
        return damaged(err, "its checksum is wrong");
    ok = wire_int(&in, 2, &b->attributes) && wire_int(&in, 4, &b->last_offset_delta) && wire_int(&in, 8, &skipped) &&
         wire_int(&in, 8, &skipped) && wire_int(&in, 8, &skipped) && wire_int(&in, 2, &skipped) &&
         wire_int(&in, 4, &skipped) && wire_int(&in, 4, &b->count);
    if (!ok)
        return damaged(err, "its header is cut short");
    b->records = in;
    return true;
}

/* One record; *ret_value covers its value (empty for a null one). */
static bool read_record(WireReader *in, int64_t *ret_delta, WireReader *ret_value)
{
    int64_t length, skipped, key, value;
    const uint8_t *bytes;
    if (!wire_varlong(in, &length) || length < 0 || !wire_slice(in, (size_t)length, &bytes))
        return false;
    WireReader r = {bytes, bytes + length};
    if (!wire_int(&r, 1, &skipped) || !wire_varlong(&r, &skipped) || !wire_varlong(&r, ret_delta) || !wire_varlong(&r, &key))
        return false;
    if (key > 0 && !wire_slice(&r, (size_t)key, &bytes))
        return false;
    if (!wire_varlong(&r, &value) || !wire_slice(&r, value > 0 ? (size_t)value : 0, &bytes))
        return false;
    *ret_value = (WireReader){bytes, bytes + (value > 0 ? value : 0)};
    return true;
}

static bool find_in(const Batch *b, int64_t offset, Str *ret, Error *err)
{
    WireReader in = b->records;
    if (b->attributes & COMPRESSION)
        return damaged(err, "it is compressed, which was not asked for");
    for (int64_t i = 0; i < b->count; i++) {
        int64_t delta;
        WireReader value;
        if (!read_record(&in, &delta, &value))
            return damaged(err, "a record is cut short");
        if (delta == offset - b->base_offset) {
            str_append_n(ret, value.at, wire_left(&value));
            return true;
        }
    }
    return error_set(err, ERR_NOT_FOUND, "no record at offset %lld", (long long)offset);
}

bool records_find(const void *bytes, size_t n, int64_t offset, Str *ret, Error *err)
{
    const uint8_t *start = n ? bytes : (const uint8_t *)"";
    WireReader in = {start, start + n};
    while (wire_left(&in) >= PREFIX_SIZE) {
        Batch b;
        int64_t length;
        const uint8_t *rest;
        if (!wire_int(&in, 8, &b.base_offset) || !wire_int(&in, 4, &length) || length < HEADER_REST || b.base_offset < 0)
            return damaged(err, "its offset or length is impossible");
        if (!wire_slice(&in, (size_t)length, &rest))
            break;
        if (!read_header((WireReader){rest, rest + length}, &b, err))
            return false;
        if (offset >= b.base_offset && offset - b.base_offset <= b.last_offset_delta)
            return find_in(&b, offset, ret, err);
    }
    return error_set(err, ERR_NOT_FOUND, "no record at offset %lld", (long long)offset);
}
