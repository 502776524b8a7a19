/* Growing byte strings. */
#include "base/str.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void reserve(Str *s, size_t more)
{
    size_t need = s->len + more + 1;
    if (need <= s->cap)
        return;
    size_t cap = s->cap ? s->cap : 64;
    while (cap < need)
        cap *= 2;
    s->data = xrealloc(s->data, cap);
    s->cap = cap;
}

void str_append_n(Str *s, const void *bytes, size_t n)
{
    reserve(s, n);
    if (n)
        memcpy(s->data + s->len, bytes, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void str_append(Str *s, const char *text)
{
    str_append_n(s, text, strlen(text));
}

void str_append_char(Str *s, char c)
{
    str_append_n(s, &c, 1);
}

void str_appendv(Str *s, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n > 0) {
        reserve(s, (size_t)n);
        vsnprintf(s->data + s->len, (size_t)n + 1, format, again);
        s->len += (size_t)n;
    }
    va_end(again);
}

void str_append_json(Str *s, const char *text)
{
    str_append_char(s, '"');
    for (const char *from = text;; from = text) {
        while ((unsigned char)*text >= 0x20 && *text != '"' && *text != '\\')
            text++;
        str_append_n(s, from, (size_t)(text - from));
        if (!*text)
            break;
        if ((unsigned char)*text < 0x20)
            str_appendf(s, "\\u%04x", (unsigned)*text);
        else
            str_append_n(s, (const char[]){'\\', *text}, 2);
        text++;
    }
    str_append_char(s, '"');
}

void str_appendf(Str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_appendv(s, format, args);
    va_end(args);
}

const char *str_text(const Str *s)
{
    return s->data ? s->data : "";
}

char *str_take(Str *s)
{
    char *data = s->data ? s->data : xstrdup("");
    *s = STR_INIT;
    return data;
}

size_t utf8_prefix(const char *s, size_t max)
{
    size_t n = strnlen(s, max + 1);
    if (n <= max)
        return n;
    for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

/* Length of the valid sequence at s, 0 if there is none. Shortest forms only, no surrogates, at most U+10FFFF. */
static size_t utf8_sequence(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
               (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : n;
}

void utf8_repair(char *s)
{
    while (*s) {
        size_t n = utf8_sequence((const unsigned char *)s);
        if (n == 0)
            *s = '?';
        s += n ? n : 1;
    }
}

void str_clear(Str *s)
{
    s->len = 0;
    if (s->data)
        s->data[0] = '\0';
}

void str_free(Str *s)
{
    secret_free(s->data, s->cap);
    *s = STR_INIT;
}
