/* Primitive values of the Kafka protocol. */
#include "kafka/wire.h"

#include "base/digest.h"
#include "base/mem.h"

#include <string.h>

size_t wire_left(const WireReader *r)
{
    return (size_t)(r->end - r->at);
}

bool wire_int(WireReader *r, size_t size, int64_t *ret)
{
    if (wire_left(r) < size)
        return false;
    uint64_t value = r->at[0] & 0x80 ? UINT64_MAX : 0; /* carries the sign */
    for (size_t i = 0; i < size; i++)
        value = value << 8 | r->at[i];
    r->at += size;
    *ret = (int64_t)value;
    return true;
}

/* At most `bits` bits; bits beyond them and groups beyond the last are refused. */
static bool read_groups(WireReader *r, unsigned bits, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits && r->at < r->end; shift += 7) {
        uint8_t group = *r->at++;
        unsigned room = bits - shift;
        if (room < 7 && (group & 0x7f) >> room)
            return false;
        value |= (uint64_t)(group & 0x7f) << shift;
        if (!(group & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

bool wire_uvarint(WireReader *r, uint32_t *ret)
{
    uint64_t value;
    if (!read_groups(r, 32, &value))
        return false;
    *ret = (uint32_t)value;
    return true;
}

bool wire_varlong(WireReader *r, int64_t *ret)
{
    uint64_t value;
    if (!read_groups(r, 64, &value))
        return false;
    *ret = (int64_t)(value >> 1 ^ (~(value & 1) + 1));
    return true;
}

bool wire_slice(WireReader *r, size_t n, const uint8_t **ret)
{
    if (wire_left(r) < n)
        return false;
    *ret = r->at;
    r->at += n;
    return true;
}

void wire_put_int(Str *out, size_t size, int64_t value)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * (size - 1 - i)));
    str_append_n(out, bytes, size);
}

static void put_groups(Str *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        str_append_char(out, (char)(value | 0x80));
    str_append_char(out, (char)value);
}

void wire_put_uvarint(Str *out, uint32_t value)
{
    put_groups(out, value);
}

void wire_put_varlong(Str *out, int64_t value)
{
    put_groups(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

bool wire_put_base64(Str *out, const char *text)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    if (!base64_decode(text, strlen(text), &bytes, &n, NULL))
        return false;
    str_append_n(out, bytes, n);
    secret_free(bytes, n);
    return true;
}
