/* Decoder: bytes to a JSON value along a message table. Every length is checked against the bytes at hand before it is used. */
#include "kafka/codec.h"

#include "base/digest.h"
#include "base/mem.h"
#include "kafka/wire.h"

#include <string.h>

enum { VALUES_MAX = 4 * 1000 * 1000 };

typedef struct Decoder {
    WireReader in;
    CodecShape shape;
    size_t values; /* decoded so far: bounds memory, as one byte can become a JSON value */
    Error *err;
} Decoder;

static bool decode_fields(Decoder *d, const KafkaField *fields, json_t **ret);

static bool malformed(const Decoder *d, const KafkaField *f, const char *why)
{
    return error_set(d->err, ERR_INTERNAL, "malformed message: field %s %s", f->name, why);
}

static bool cut(const Decoder *d, const KafkaField *f)
{
    return malformed(d, f, "reaches beyond the end");
}

/* Length or count; -1 = null where the field may be null. */
static bool decode_length(Decoder *d, const KafkaField *f, size_t classic_size, int64_t *ret)
{
    uint32_t compact;
    int64_t length;
    if (d->shape.flexible) {
        if (!wire_uvarint(&d->in, &compact))
            return cut(d, f);
        length = (int64_t)compact - 1;
    } else if (!wire_int(&d->in, classic_size, &length)) {
        return cut(d, f);
    }
    if (length < 0 && (length < -1 || !f->nullable || d->shape.version < f->nullable - 1))
        return malformed(d, f, "has a negative length");
    if (length > (int64_t)wire_left(&d->in)) /* also for lists: an element is one byte or more */
        return cut(d, f);
    *ret = length;
    return true;
}

static bool decode_integer(Decoder *d, const KafkaField *f, json_t **ret)
{
    static const size_t sizes[] = {[WIRE_BOOL] = 1,   [WIRE_INT8] = 1,  [WIRE_INT16] = 2,
                                   [WIRE_UINT16] = 2, [WIRE_INT32] = 4, [WIRE_INT64] = 8};
    int64_t value;
    if (!wire_int(&d->in, sizes[f->type], &value))
        return cut(d, f);
    if (f->type == WIRE_BOOL)
        *ret = json_boolean(value != 0);
    else
        *ret = json_integer(f->type == WIRE_UINT16 ? (value & UINT16_MAX) : value);
    return true;
}

/* JSON has neither infinity nor NaN. */
static bool decode_float(Decoder *d, const KafkaField *f, json_t **ret)
{
    int64_t bits;
    double number;
    if (!wire_int(&d->in, sizeof(bits), &bits))
        return cut(d, f);
    memcpy(&number, &bits, sizeof(number));
    json_t *value = json_real(number);
    if (!value)
        return malformed(d, f, "is not a finite number");
    *ret = value;
    return true;
}

static bool decode_uuid(Decoder *d, const KafkaField *f, json_t **ret)
{
    const uint8_t *bytes;
    if (!wire_slice(&d->in, 16, &bytes))
        return cut(d, f);
    CLEANUP_FREE char *text = base64url_encode(bytes, 16);
    *ret = json_string(text);
    return true;
}

/* Strings and bytes (as base64). */
static bool decode_text(Decoder *d, const KafkaField *f, json_t **ret)
{
    int64_t n;
    const uint8_t *bytes = NULL;
    if (!decode_length(d, f, f->type == WIRE_STRING ? 2 : 4, &n))
        return false;
    if (n < 0) {
        *ret = json_null();
        return true;
    }
    if (!wire_slice(&d->in, (size_t)n, &bytes))
        return cut(d, f);
    if (f->type == WIRE_STRING) {
        json_t *value = json_stringn((const char *)bytes, (size_t)n);
        if (!value)
            return malformed(d, f, "is not UTF-8");
        *ret = value;
        return true;
    }
    CLEANUP_FREE char *text = base64_encode(bytes, (size_t)n);
    *ret = json_string_nocheck(text);
    return true;
}

static bool decode_one(Decoder *d, const KafkaField *f, json_t **ret)
{
    if (++d->values > VALUES_MAX)
        return malformed(d, f, "is one value too many");
    switch (f->type) {
    case WIRE_STRING:
    case WIRE_BYTES:
        return decode_text(d, f, ret);
    case WIRE_FLOAT64:
        return decode_float(d, f, ret);
    case WIRE_UUID:
        return decode_uuid(d, f, ret);
    case WIRE_STRUCT:
        return decode_fields(d, f->fields, ret);
    default:
        return decode_integer(d, f, ret);
    }
}

static bool decode_list(Decoder *d, const KafkaField *f, json_t **ret)
{
    int64_t n;
    if (!decode_length(d, f, 4, &n))
        return false;
    if (n < 0) {
        *ret = json_null();
        return true;
    }
    CLEANUP_JSON json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) {
        json_t *element;
        if (!decode_one(d, f, &element))
            return false;
        json_array_append_new(list, element);
    }
    *ret = TAKE(list);
    return true;
}

static bool decode_field(Decoder *d, const KafkaField *f, json_t *into)
{
    json_t *value;
    if (!(f->array ? decode_list(d, f, &value) : decode_one(d, f, &value)))
        return false;
    json_object_set_new_nocheck(into, f->name, value);
    return true;
}

static const KafkaField *find_tag(const Decoder *d, const KafkaField *fields, uint32_t tag)
{
    for (const KafkaField *f = fields; f->name; f++)
        if (codec_in_version(d->shape, f) && codec_is_tagged(d->shape, f) && (uint32_t)f->tag == tag)
            return f;
    return NULL;
}

static bool next_tag(WireReader *in, uint32_t *ret_tag, WireReader *ret_value)
{
    uint32_t size;
    const uint8_t *bytes;
    if (!wire_uvarint(in, ret_tag) || !wire_uvarint(in, &size) || !wire_slice(in, size, &bytes))
        return false;
    *ret_value = (WireReader){bytes, bytes + size};
    return true;
}

static bool decode_tags(Decoder *d, const KafkaField *fields, json_t *into)
{
    static const KafkaField tags = {.name = "(tagged fields)"};
    uint32_t count, tag;
    if (!wire_uvarint(&d->in, &count))
        return cut(d, &tags);
    for (; count > 0; count--) {
        WireReader value, after;
        if (!next_tag(&d->in, &tag, &value))
            return cut(d, &tags);
        const KafkaField *f = find_tag(d, fields, tag);
        if (!f)
            continue;
        after = d->in;
        d->in = value;
        if (!decode_field(d, f, into))
            return false;
        if (wire_left(&d->in))
            return malformed(d, f, "is shorter than its tag says");
        if (codec_is_default(f, json_object_get(into, f->name)))
            json_object_del(into, f->name);
        d->in = after;
    }
    return true;
}

static bool decode_fields(Decoder *d, const KafkaField *fields, json_t **ret)
{
    CLEANUP_JSON json_t *object = json_object();
    for (const KafkaField *f = fields; f->name; f++)
        if (codec_in_version(d->shape, f) && !codec_is_tagged(d->shape, f) && !decode_field(d, f, object))
            return false;
    if (d->shape.flexible && !decode_tags(d, fields, object))
        return false;
    *ret = TAKE(object);
    return true;
}

bool codec_decode(CodecShape shape, const void *bytes, size_t n, json_t **ret, Error *err)
{
    const uint8_t *start = n ? bytes : (const uint8_t *)"";
    Decoder d = {.in = {start, start + n}, .shape = shape, .err = err};
    CLEANUP_JSON json_t *value = NULL;
    if (!decode_fields(&d, shape.fields, &value))
        return false;
    if (wire_left(&d.in))
        return error_set(err, ERR_INTERNAL, "malformed message: %zu bytes are left over", wire_left(&d.in));
    *ret = TAKE(value);
    return true;
}

bool codec_skip_tags(const uint8_t **bytes, size_t *n, Error *err)
{
    WireReader in = {*bytes, *bytes + *n}, value;
    uint32_t count = 0, tag;
    bool ok = wire_uvarint(&in, &count);
    for (; ok && count > 0; count--)
        ok = next_tag(&in, &tag, &value);
    if (!ok)
        return error_set(err, ERR_INTERNAL, "malformed message: its header is cut short");
    *bytes = in.at;
    *n = wire_left(&in);
    return true;
}
