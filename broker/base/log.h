/* Logs: one JSON object per line on stderr. Values are the caller's words: never pass a secret. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_AUDIT /* who did what: always written */ } LogLevel;

/* Lowest level that is written (default LOG_INFO). Call before the first thread starts. */
void log_set_level(LogLevel level);

/* Whether events of this level are written. */
bool log_enabled(LogLevel level);

/*
 * Writes {"time","level","event", …}. The variable part is pairs of `const char *key, const char *value`
 * (a NULL value leaves the pair out) ended by NULL: log_event(LOG_INFO, "operation ended", "operation", id, NULL).
 * Thread-safe; one write(2) per line; values are cut at 1 KiB.
 */
void log_event(LogLevel level, const char *event, ...) __attribute__((sentinel));

/* Same, adding "error" (text) and "kind" of `err`. */
void log_error(const char *event, const Error *err, ...) __attribute__((sentinel));

#endif
