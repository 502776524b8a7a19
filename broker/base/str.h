/* A growing byte string with an upper bound, always NUL-terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/error.h"

#include <stdarg.h>

/* `STR_INIT` is a valid empty string; data is "" until the first append. */
typedef struct Str {
    char *data;
    size_t len;
    size_t cap;
} Str;

#define STR_INIT ((Str){0})

void str_append(Str *s, const char *text);
void str_append_n(Str *s, const void *bytes, size_t n);
void str_append_char(Str *s, char c);
void str_appendf(Str *s, const char *format, ...) PRINTF_LIKE(2, 3);
void str_appendv(Str *s, const char *format, va_list args) PRINTF_LIKE(2, 0);
/* Appends valid UTF-8 as a JSON string, with its quotes (RFC 8259, 7). */
void str_append_json(Str *s, const char *text);
/* The text; "" when empty. Borrowed until the next append. */
const char *str_text(const Str *s);
/* Hands the buffer over (never NULL) and empties `s`; the caller frees. */
char *str_take(Str *s);
void str_clear(Str *s);
/* Length of the longest prefix of `s` of at most `max` bytes that does not end within a UTF-8 character. */
size_t utf8_prefix(const char *s, size_t max);
/* Replaces every byte that is not part of valid UTF-8 (RFC 3629) by '?', in place. */
void utf8_repair(char *s);
/* Releases the buffer after erasing it. */
void str_free(Str *s);

static inline UNUSED void str_free_cleanup(Str *s)
{
    str_free(s);
}
#define CLEANUP_STR CLEANUP(str_free)

#endif
