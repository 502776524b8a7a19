/*
 * The JSON Schema validator with schemas of anybody. Input: a line with a schema, then lines with values.
 * What holds for every schema that compiles: checking changes nothing, says the same twice, does not look at the order of members, and texts
 * begin with the path. Compiling a schema that only says more for people makes no difference.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "domain/schema.h"

#include <string.h>

#define DEEPEST 100 /* levels that the reversal follows; the validator's own bound is above */

/* A copy with the members of all objects the other way round. */
static json_t *reversed(const json_t *v, int levels)
{
    const char *key;
    json_t *one;
    size_t i;
    if (levels == 0 || !(json_is_object(v) || json_is_array(v)))
        return json_deep_copy(v);
    if (json_is_array(v)) {
        json_t *list = json_array();
        json_array_foreach((json_t *)v, i, one) json_array_append_new(list, reversed(one, levels - 1));
        return list;
    }
    json_t *object = json_object();
    const size_t n = json_object_size(v);
    const char **keys = xcalloc(n, sizeof(*keys));
    i = n;
    json_object_foreach((json_t *)v, key, one) keys[--i] = key;
    for (i = 0; i < n; i++)
        json_object_set_new(object, keys[i], reversed(json_object_get(v, keys[i]), levels - 1));
    free(keys);
    return object;
}

static bool fits(const Schema *s, const json_t *value)
{
    Error first = {0}, second = {0};
    CLEANUP_FREE char *before = json_text(value);
    bool good = schema_check(s, "value", value, &first);
    HOLDS(schema_check(s, "value", value, &second) == good && schema_check(s, "value", value, NULL) == good);
    CLEANUP_FREE char *after = json_text(value);
    HOLDS(strcmp(before, after) == 0);
    if (!good) {
        fuzz_check_error(&first, ERR_INVALID);
        HOLDS(strcmp(first.text, second.text) == 0 && strncmp(first.text, "value", strlen("value")) == 0);
    }
    return good;
}

/* Three of the same schema: as it came, its members the other way round, and with a title. */
typedef struct Trio {
    Schema *plain, *turned, *titled;
} Trio;

static void trio_clear(Trio *t)
{
    schema_free(t->plain);
    schema_free(t->turned);
    schema_free(t->titled);
}

static bool compile(const json_t *source, Trio *ret)
{
    Error err = {0};
    CLEANUP_FREE char *before = json_text(source);
    CLEANUP_JSON json_t *turned = reversed(source, DEEPEST), *titled = json_deep_copy(source);
    bool good = schema_compile(source, &ret->plain, &err);
    CLEANUP_FREE char *after = json_text(source);
    HOLDS(strcmp(before, after) == 0);
    if (!good)
        fuzz_check_error(&err, ERR_INVALID);
    HOLDS(schema_compile(turned, &ret->turned, NULL) == good);
    if (good) {
        json_object_set_new(titled, "title", json_string("t"));
        HOLDS(schema_compile(titled, &ret->titled, &err));
    }
    return good;
}

static void check_value(const Trio *t, const json_t *value)
{
    CLEANUP_JSON json_t *turned = reversed(value, DEEPEST);
    bool good = fits(t->plain, value);
    HOLDS(fits(t->plain, turned) == good && fits(t->turned, value) == good && fits(t->titled, value) == good);
    if (!good)
        return;
    CLEANUP_JSON json_t *filled = schema_with_defaults(t->plain, value), *other = schema_with_defaults(t->turned, value);
    HOLDS(fuzz_same_json(filled, other));
    HOLDS(!json_is_object(value) || json_object_size(filled) >= json_object_size(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Input in = {(const char *)data, n};
    Trio trio = {0};
    CLEANUP_JSON json_t *source = NULL;
    CLEANUP_FREE char *line = input_line(&in);
    if (!line || !json_parse(line, strlen(line), &source, NULL))
        return 0;
    if (compile(source, &trio)) {
        for (char *text; (text = input_line(&in)); free(text)) {
            CLEANUP_JSON json_t *value = NULL;
            if (json_parse(text, strlen(text), &value, NULL))
                check_value(&trio, value);
        }
    }
    trio_clear(&trio);
    return 0;
}
