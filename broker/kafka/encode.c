/* Encoder: JSON value to bytes along a message table. */
#include "kafka/codec.h"

#include "kafka/wire.h"

#include <string.h>

typedef struct Encoder {
    CodecShape shape;
    Str *out;
    Error *err;
} Encoder;

static bool encode_fields(Encoder *e, const KafkaField *fields, const json_t *value);

static bool refuse(const Encoder *e, const KafkaField *f, const char *why)
{
    return error_set(e->err, ERR_INVALID, "field %s %s", f->name, why);
}

static void put_length(Encoder *e, size_t classic_size, int64_t length)
{
    if (e->shape.flexible)
        wire_put_uvarint(e->out, (uint32_t)(length + 1));
    else
        wire_put_int(e->out, classic_size, length);
}

static bool encode_integer(Encoder *e, const KafkaField *f, const json_t *value)
{
    static const struct {
        size_t size;
        json_int_t min, max;
    } ranges[] = {
        [WIRE_INT8] = {1, INT8_MIN, INT8_MAX},    [WIRE_INT16] = {2, INT16_MIN, INT16_MAX},
        [WIRE_UINT16] = {2, 0, UINT16_MAX},       [WIRE_INT32] = {4, INT32_MIN, INT32_MAX},
        [WIRE_INT64] = {8, INT64_MIN, INT64_MAX},
    };
    json_int_t n = value ? json_integer_value(value) : f->number;
    if (value && !json_is_integer(value))
        return refuse(e, f, "must be an integer");
    if (n < ranges[f->type].min || n > ranges[f->type].max)
        return refuse(e, f, "is outside the range of its type");
    wire_put_int(e->out, ranges[f->type].size, n);
    return true;
}

/* IEEE 754, big-endian. */
static bool encode_float(Encoder *e, const KafkaField *f, const json_t *value)
{
    double number = value ? json_number_value(value) : (double)f->number;
    int64_t bits;
    if (value && !json_is_number(value))
        return refuse(e, f, "must be a number");
    memcpy(&bits, &number, sizeof(bits));
    wire_put_int(e->out, sizeof(bits), bits);
    return true;
}

static bool encode_bool(Encoder *e, const KafkaField *f, const json_t *value)
{
    if (value && !json_is_boolean(value))
        return refuse(e, f, "must be true or false");
    wire_put_int(e->out, 1, value ? json_is_true(value) : f->number != 0);
    return true;
}

static bool encode_uuid(Encoder *e, const KafkaField *f, const json_t *value)
{
    static const uint8_t zero[16];
    if (!value) {
        str_append_n(e->out, zero, sizeof(zero));
        return true;
    }
    CLEANUP_STR Str text = STR_INIT, bytes = STR_INIT;
    str_append(&text, json_is_string(value) ? json_string_value(value) : "");
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
    str_append(&text, "==");
    if (!wire_put_base64(&bytes, str_text(&text)) || bytes.len != 16)
        return refuse(e, f, "must be a UUID in 22 characters of base64url");
    str_append_n(e->out, str_text(&bytes), bytes.len);
    return true;
}

static bool encode_string(Encoder *e, const KafkaField *f, const json_t *value)
{
    if (value && !json_is_string(value))
        return refuse(e, f, "must be a string");
    size_t n = value ? json_string_length(value) : 0;
    if (n > INT16_MAX)
        return refuse(e, f, "is longer than 32767 bytes");
    put_length(e, 2, (int64_t)n);
    str_append_n(e->out, value ? json_string_value(value) : "", n);
    return true;
}

static bool encode_bytes(Encoder *e, const KafkaField *f, const json_t *value)
{
    if (value && !json_is_string(value))
        return refuse(e, f, "must be a base64 string");
    CLEANUP_STR Str bytes = STR_INIT;
    if (value && !wire_put_base64(&bytes, json_string_value(value)))
        return refuse(e, f, "is not valid base64");
    put_length(e, 4, (int64_t)bytes.len);
    str_append_n(e->out, str_text(&bytes), bytes.len);
    return true;
}

static bool encode_one(Encoder *e, const KafkaField *f, const json_t *value)
{
    switch (f->type) {
    case WIRE_BOOL:
        return encode_bool(e, f, value);
    case WIRE_FLOAT64:
        return encode_float(e, f, value);
    case WIRE_UUID:
        return encode_uuid(e, f, value);
    case WIRE_STRING:
        return encode_string(e, f, value);
    case WIRE_BYTES:
        return encode_bytes(e, f, value);
    case WIRE_STRUCT:
        if (value && !json_is_object(value))
            return refuse(e, f, "must be an object");
        return encode_fields(e, f->fields, value) || error_wrap(e->err, "%s", f->name);
    default:
        return encode_integer(e, f, value);
    }
}

static bool encode_list(Encoder *e, const KafkaField *f, const json_t *value)
{
    if (value && !json_is_array(value))
        return refuse(e, f, "must be an array");
    size_t n = json_array_size(value);
    if (n > INT32_MAX - 1)
        return refuse(e, f, "has too many elements");
    put_length(e, 4, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        if (!encode_one(e, f, json_array_get(value, i)))
            return false;
    return true;
}

/* `value` NULL stands for the default. */
static bool encode_field(Encoder *e, const KafkaField *f, const json_t *value)
{
    if (json_is_null(value) || (!value && f->null_default)) {
        if (!f->nullable || e->shape.version < f->nullable - 1)
            return refuse(e, f, "must not be null in this version");
        put_length(e, f->type == WIRE_STRING && !f->array ? 2 : 4, -1);
        return true;
    }
    return f->array ? encode_list(e, f, value) : encode_one(e, f, value);
}

/* Tagged fields in order of their tag, which is the order of the tables. */
static bool encode_tags(Encoder *e, const KafkaField *fields, const json_t *value)
{
    uint32_t count = 0;
    CLEANUP_STR Str all = STR_INIT;
    for (const KafkaField *f = fields; f->name; f++) {
        const json_t *member = json_object_get(value, f->name);
        if (!codec_in_version(e->shape, f) || !codec_is_tagged(e->shape, f) || codec_is_default(f, member))
            continue;
        CLEANUP_STR Str one = STR_INIT;
        Encoder inner = {e->shape, &one, e->err};
        if (!encode_field(&inner, f, member))
            return false;
        wire_put_uvarint(&all, (uint32_t)f->tag);
        wire_put_uvarint(&all, (uint32_t)one.len);
        str_append_n(&all, str_text(&one), one.len);
        count++;
    }
    wire_put_uvarint(e->out, count);
    str_append_n(e->out, str_text(&all), all.len);
    return true;
}

static bool check_names(const Encoder *e, const KafkaField *fields, const json_t *value)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        const KafkaField *f = fields;
        while (f->name && strcmp(f->name, key) != 0)
            f++;
        if (!f->name)
            return error_set(e->err, ERR_INVALID, "field %s is not part of the message", key);
        if (!codec_in_version(e->shape, f) && !codec_is_default(f, member))
            return error_set(e->err, ERR_INVALID, "field %s does not exist in version %d", key, e->shape.version);
    }
    return true;
}

static bool encode_fields(Encoder *e, const KafkaField *fields, const json_t *value)
{
    if (!check_names(e, fields, value))
        return false;
    for (const KafkaField *f = fields; f->name; f++)
        if (codec_in_version(e->shape, f) && !codec_is_tagged(e->shape, f) && !encode_field(e, f, json_object_get(value, f->name)))
            return false;
    return !e->shape.flexible || encode_tags(e, fields, value);
}

bool codec_encode(CodecShape shape, const json_t *value, Str *out, Error *err)
{
    if (!json_is_object(value))
        return error_set(err, ERR_INVALID, "a message must be a JSON object; a name that is not UTF-8 makes none");
    Encoder e = {shape, out, err};
    return encode_fields(&e, shape.fields, value);
}
