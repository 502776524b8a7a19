/* Escaping of Java properties (java.util.Properties.store and load). */
#include "kube/properties.h"

#include <string.h>

/* Decodes one code point of valid UTF-8 (jansson guarantees it) and moves *p behind it. */
static unsigned next_code_point(const unsigned char **p)
{
    unsigned c = *(*p)++;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    if (more > 0)
        c &= 0x3fU >> more;
    while (more-- > 0)
        c = (c << 6) | (*(*p)++ & 0x3fU);
    return c;
}

static void append_unicode(Str *out, unsigned c)
{
    if (c < 0x10000) {
        str_appendf(out, "\\u%04X", c);
    } else {
        c -= 0x10000;
        str_appendf(out, "\\u%04X\\u%04X", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
    }
}

static void append_escaped(Str *out, const char *text, size_t n, bool is_key)
{
    static const char control[] = "\t\n\r\f", letters[] = "tnrf";
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    bool leading = true;
    while (p < end) {
        unsigned c = next_code_point(&p);
        const char *found = c && c < 0x20 ? strchr(control, (int)c) : NULL;
        if (found) {
            str_append_char(out, '\\');
            str_append_char(out, letters[found - control]);
        } else if (c < 0x20 || c > 0x7e) {
            append_unicode(out, c);
        } else {
            if (c == '\\' || (c == ' ' && (is_key || leading)) || (is_key && strchr(":=#!", (int)c)))
                str_append_char(out, '\\');
            str_append_char(out, (char)c);
        }
        leading = leading && c == ' ';
    }
}

bool properties_write(const json_t *mapping, Str *out, Error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)mapping, key, value)
    {
        if (json_is_null(value))
            continue;
        if (json_is_object(value) || json_is_array(value) || json_is_real(value))
            return error_set(err, ERR_INVALID, "the value of property %s is %s; write it as quoted text", key,
                             json_is_real(value) ? "a real number" : "a list or a mapping");
        append_escaped(out, key, strlen(key), true);
        str_append_char(out, '=');
        if (json_is_string(value))
            append_escaped(out, json_string_value(value), json_string_length(value), false);
        else if (json_is_integer(value))
            str_appendf(out, "%lld", (long long)json_integer_value(value));
        else
            str_append(out, json_is_true(value) ? "true" : "false");
        str_append_char(out, '\n');
    }
    return true;
}
