/* Schemas and values from short texts, for the tests of schemas. */
#ifndef TEST_SCHEMA_FIXTURE_H
#define TEST_SCHEMA_FIXTURE_H

#include "base/mem.h"
#include "domain/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Single quotes stand for double ones. */
static inline UNUSED json_t *parsed(const char *text)
{
    CLEANUP_FREE char *json = xstrdup(text);
    for (char *p = json; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    Error err = {0};
    json_t *value = NULL;
    if (!json_parse(json, strlen(json), &value, &err))
        fail_msg("%s: %s", json, err.text);
    return value;
}

static inline UNUSED Schema *compiled(const char *text)
{
    CLEANUP_JSON json_t *source = parsed(text);
    Schema *s = NULL;
    Error err = {0};
    if (!schema_compile(source, &s, &err))
        fail_msg("%s: %s", text, err.text);
    return s;
}

static inline UNUSED bool fits(const Schema *s, const char *value, Error *err)
{
    CLEANUP_JSON json_t *v = parsed(value);
    return schema_check(s, "parameters", v, err);
}

#endif
