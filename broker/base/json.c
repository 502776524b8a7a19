/* Conveniences on jansson. */
#include "base/json.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

bool json_parse(const char *text, size_t n, json_t **ret, Error *err)
{
    json_error_t e;
    json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!value)
        return error_set(err, ERR_INVALID, "not valid JSON at line %d, column %d", e.line, e.column);
    *ret = value;
    return true;
}

static char *dump(const json_t *value, size_t flags)
{
    char *s = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | flags);
    return s ? s : xstrdup("null");
}

char *json_text(const json_t *value)
{
    return dump(value, 0);
}

char *json_canonical(const json_t *value)
{
    return dump(value, JSON_SORT_KEYS);
}

json_t *json_at(const json_t *root, const char *path)
{
    const json_t *at = root;
    while (at && *path) {
        size_t n = strcspn(path, ".");
        char key[256];
        if (n >= sizeof(key))
            return NULL;
        memcpy(key, path, n);
        key[n] = '\0';
        if (json_is_array(at))
            at = n && strspn(key, "0123456789") == n ? json_array_get(at, (size_t)strtoul(key, NULL, 10)) : NULL;
        else
            at = json_object_get(at, key);
        path += n + (path[n] == '.');
    }
    return (json_t *)at;
}

const char *json_string_at(const json_t *root, const char *path, const char *fallback)
{
    const char *s = json_string_value(json_at(root, path));
    return s ? s : fallback;
}

json_int_t json_int_at(const json_t *root, const char *path, json_int_t fallback)
{
    const json_t *v = json_at(root, path);
    return json_is_integer(v) ? json_integer_value(v) : fallback;
}

bool json_bool_at(const json_t *root, const char *path, bool fallback)
{
    const json_t *v = json_at(root, path);
    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

void json_merge(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)patch, key, value)
    {
        json_t *old = json_object_get(target, key);
        if (json_is_object(old) && json_is_object(value))
            json_merge(old, value);
        else
            json_object_set_new(target, key, json_deep_copy(value));
    }
}

json_t *json_string_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}
