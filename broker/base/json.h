/* Conveniences on jansson: ownership, typed members with their path in the error, deep paths, merging. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/error.h"

#include <jansson.h>

static inline UNUSED void json_decref_cleanup(json_t **p)
{
    json_decref(*p);
}
#define CLEANUP_JSON CLEANUP(json_decref)

/* Parses `n` bytes of UTF-8 JSON (duplicate keys refused). false: ERR_INVALID with line and column, never the input itself. */
MUST_CHECK bool json_parse(const char *text, size_t n, json_t **ret, Error *err);

/* Compact text; the caller frees (or secret_string_free). Keys keep their order. */
char *json_text(const json_t *value);

/* Compact text with sorted keys: equal values give equal bytes. */
char *json_canonical(const json_t *value);

/* The member at a dotted path ("spec.ports.0.port": numbers index arrays); NULL when absent. Borrowed. */
json_t *json_at(const json_t *root, const char *path);
/* The string at a path, or `fallback`. Borrowed. */
const char *json_string_at(const json_t *root, const char *path, const char *fallback);
/* The integer at a path, or `fallback`. */
json_int_t json_int_at(const json_t *root, const char *path, json_int_t fallback);
bool json_bool_at(const json_t *root, const char *path, bool fallback);

/* Deep merge of `patch` into `target` (objects merge, all else replaces; RFC 7386 without null-deletes). */
void json_merge(json_t *target, const json_t *patch);

/* String as JSON; NULL gives JSON null. New reference. */
json_t *json_string_or_null(const char *s);

#endif
