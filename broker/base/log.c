/* JSON log lines. */
#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static LogLevel lowest = LOG_INFO; /* set once, before the first thread */

void log_set_level(LogLevel level)
{
    lowest = level;
}

bool log_enabled(LogLevel level)
{
    return level >= lowest;
}

static void write_line(LogLevel level, const char *event, const Error *err, va_list args)
{
    static const char *const names[] = {"debug", "info", "warn", "error", "audit"};
    CLEANUP_JSON json_t *line = json_object();
    char now[32];
    clock_utc_text(now, sizeof(now));
    json_object_set_new(line, "time", json_string(now));
    json_object_set_new(line, "level", json_string(names[level]));
    json_object_set_new(line, "event", json_string(event));
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        if (value) {
            json_t *text = json_stringn(value, utf8_prefix(value, 1024));
            json_object_set_new(line, key, text ? text : json_string("(not UTF-8)"));
        }
    }
    if (err) {
        json_object_set_new(line, "kind", json_string(error_kind_name(err->kind)));
        json_object_set_new(line, "error", json_string(err->text));
    }
    CLEANUP_FREE char *text = json_text(line);
    size_t n = strlen(text);
    text[n] = '\n'; /* in the place of the NUL */
    ssize_t written = write(STDERR_FILENO, text, n + 1);
    (void)written; /* nobody is left to tell */
}

void log_event(LogLevel level, const char *event, ...)
{
    if (!log_enabled(level))
        return;
    va_list args;
    va_start(args, event);
    write_line(level, event, NULL, args);
    va_end(args);
}

void log_error(const char *event, const Error *err, ...)
{
    va_list args;
    va_start(args, err);
    write_line(LOG_ERROR, event, err, args);
    va_end(args);
}
