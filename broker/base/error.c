/* Error values: formatting and wrapping. */
#include "base/error.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Stores text, cut at a character and made valid UTF-8: it goes into JSON and into the database. `text` may be longer than the field. */
static void store_text(Error *err, const char *text)
{
    size_t n = utf8_prefix(text, sizeof(err->text) - 1);
    memmove(err->text, text, n);
    err->text[n] = '\0';
    utf8_repair(err->text);
}

bool error_set(Error *err, ErrorKind kind, const char *format, ...)
{
    if (!err)
        return false;
    char text[sizeof(err->text) + 8]; /* the arguments may point into err->text */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    store_text(err, text);
    err->kind = kind;
    err->retry_after_seconds = 0;
    return false;
}

bool error_wrap(Error *err, const char *format, ...)
{
    if (!err)
        return false;
    char prefix[sizeof(err->text)], text[sizeof(err->text) * 2 + 4];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
    store_text(err, text);
    return false;
}

const char *error_kind_name(ErrorKind kind)
{
    static const char *const names[] = {"none", "invalid", "denied", "not found", "gone",
                                        "conflict", "busy", "retry", "internal", "lost"};
    return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}
