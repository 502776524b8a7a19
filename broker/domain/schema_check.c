/* Checking values: the first fault, with what would be right. */
#include "base/mem.h"
#include "domain/schema_own.h"

#include <string.h>

enum { PATTERN_SHOWN = 200 }; /* bytes of a pattern in a text */

const Property *schema_property(const PropertyList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    return NULL;
}

static bool check_type(const Node *n, const Place *at, const json_t *v, Error *err)
{
    if (n->types == 0 || n->types & 1U << json_typeof(v))
        return true;
    if (!err)
        return false;
    CLEANUP_FREE char *value = schema_typed_text(v), *types = schema_type_text(n->type);
    return schema_fault(err, at, "is %s; it must be %s", value, types);
}

static bool check_enumeration(const Node *n, const Place *at, const json_t *v, Error *err)
{
    WordList list = {.wrong = json_string_value(v)};
    json_t *member;
    size_t i;
    json_array_foreach(n->enumeration, i, member) if (schema_equal(v, member)) return true;
    if (!err)
        return false;
    json_array_foreach(n->enumeration, i, member) schema_list_value(&list, member);
    CLEANUP_FREE char *value = schema_value_text(v), *meant = schema_did_you_mean(&list);
    schema_fault(err, at, "is %s; it must be one of %s%s", value, str_text(&list.text), meant);
    str_free(&list.text);
    return false;
}

static bool check_constant(const Node *n, const Place *at, const json_t *v, Error *err)
{
    if (schema_equal(v, n->constant))
        return true;
    if (!err)
        return false;
    CLEANUP_FREE char *value = schema_value_text(v), *wanted = schema_value_text(n->constant);
    return schema_fault(err, at, "is %s; it must be %s", value, wanted);
}

/* "is VALUE, WHAT LIMIT; try NEAREST". */
static bool number_fault(const Node *n, const Place *at, const json_t *v, const char *what, Error *err)
{
    const json_t *limit = *what == 'n' ? n->multiple_of : *what == 'b' ? n->minimum : n->maximum;
    if (!err)
        return false;
    CLEANUP_JSON json_t *nearest = schema_number_nearest(n, v);
    CLEANUP_FREE char *value = schema_value_text(v), *edge = schema_value_text(limit);
    CLEANUP_FREE char *valid = nearest ? schema_value_text(nearest) : xstrdup("");
    return schema_fault(err, at, "is %s, %s %s%s%s", value, what, edge, nearest ? "; try " : "", valid);
}

static bool check_number(const Node *n, const Place *at, const json_t *v, Error *err)
{
    int low = n->minimum ? schema_number_order(v, n->minimum) : 1, high = n->maximum ? schema_number_order(v, n->maximum) : -1;
    if (low < 0 || (low == 0 && n->exclusive_minimum))
        return number_fault(n, at, v, n->exclusive_minimum ? "but must be above" : "below the least value", err);
    if (high > 0 || (high == 0 && n->exclusive_maximum))
        return number_fault(n, at, v, n->exclusive_maximum ? "and must be below" : "above the greatest value", err);
    if (n->multiple_of && !schema_number_is_multiple(v, n->multiple_of))
        return number_fault(n, at, v, "not a multiple of", err);
    return true;
}

/* A count of `unit` (plural; one character is cut off for 1) against its bounds. */
static bool check_count(size_t count, json_int_t least, json_int_t most, const char *unit, const Place *at, Error *err)
{
    bool few = least >= 0 && count < (size_t)least, many = most >= 0 && count > (size_t)most;
    if (!few && !many)
        return true;
    return schema_fault(err, at, "has %zu %.*s, %s %" JSON_INTEGER_FORMAT, count, (int)strlen(unit) - (count == 1), unit,
                        few ? "fewer than the least" : "more than the most", few ? least : most);
}

static bool check_string(const Node *n, const Place *at, const json_t *v, Error *err)
{
    const char *s = json_string_value(v);
    if (!check_count(schema_code_points(s), n->min_length, n->max_length, "characters", at, err))
        return false;
    if (n->pattern && json_string_length(v) > SCHEMA_PATTERN_BYTES)
        return schema_fault(err, at, "has %zu bytes, more than the most %d", json_string_length(v), SCHEMA_PATTERN_BYTES);
    bool matches = !n->pattern || pattern_found(n->pattern, s);
    if ((matches && (!n->format || n->format->fits(s))) || !err)
        return matches && (!n->format || n->format->fits(s));
    CLEANUP_FREE char *value = schema_value_text(v);
    if (matches)
        return schema_fault(err, at, "is %s; it must be %s", value, n->format->text);
    size_t shown = utf8_prefix(n->pattern_text, PATTERN_SHOWN);
    return schema_fault(err, at, "is %s, which does not match the pattern %.*s%s", value, (int)shown, n->pattern_text, n->pattern_text[shown] ? "…" : "");
}

static bool check_unique(const Place *at, const json_t *v, Error *err)
{
    uint64_t hashes[SCHEMA_UNIQUE_ITEMS];
    size_t count = json_array_size(v);
    if (count > SCHEMA_UNIQUE_ITEMS)
        return schema_fault(err, at, "has %zu members, more than the most %d", count, SCHEMA_UNIQUE_ITEMS);
    for (size_t i = 0; i < count; i++) {
        hashes[i] = schema_hash(json_array_get(v, i));
        for (size_t k = 0; k < i; k++)
            if (hashes[k] == hashes[i] && schema_equal(json_array_get(v, k), json_array_get(v, i)))
                return schema_fault(err, &(Place){at, NULL, i}, "is the same as member [%zu]; the members must differ", k);
    }
    return true;
}

static bool check_array(const Node *n, const Place *at, const json_t *v, Error *err)
{
    json_t *member;
    size_t i;
    if (!check_count(json_array_size(v), n->min_items, n->max_items, "members", at, err) || (n->unique_items && !check_unique(at, v, err)))
        return false;
    if (n->items)
        json_array_foreach(v, i, member) if (!schema_check_node(n->items, &(Place){at, NULL, i}, member, err)) return false;
    return true;
}

static bool unknown_fault(const Node *n, const Place *at, const char *name, Error *err)
{
    WordList list = {.wrong = name};
    if (!err)
        return false;
    for (size_t i = 0; i < n->properties.count; i++)
        schema_list_name(&list, n->properties.at[i].name);
    CLEANUP_FREE char *meant = schema_did_you_mean(&list);
    schema_fault(err, &(Place){at, name, 0}, "is not known here; %s%s%s", list.text.len ? "known are: " : "nothing is", str_text(&list.text), meant);
    str_free(&list.text);
    return false;
}

static bool check_object(const Node *n, const Place *at, const json_t *v, Error *err)
{
    const char *key;
    json_t *member;
    size_t i;
    if (n->closed)
        json_object_foreach((json_t *)v, key, member) if (!schema_property(&n->properties, key)) return unknown_fault(n, at, key, err);
    json_array_foreach(n->required, i, member) if (!json_object_get(v, json_string_value(member)))
        return schema_fault(err, &(Place){at, json_string_value(member), 0}, "is missing; it is required");
    if (!check_count(json_object_size(v), n->min_properties, n->max_properties, "members", at, err))
        return false;
    json_object_foreach((json_t *)v, key, member)
    {
        const Property *p = schema_property(&n->properties, key);
        const Node *of = p ? p->node : n->additional;
        if (of && !schema_check_node(of, &(Place){at, key, 0}, member, err))
            return false;
    }
    return true;
}

bool schema_check_node(const Node *n, const Place *at, const json_t *v, Error *err)
{
    n = schema_node(n);
    if (!check_type(n, at, v, err) || (n->enumeration && !check_enumeration(n, at, v, err)) ||
        (n->constant && !check_constant(n, at, v, err)))
        return false;
    if (json_is_number(v))
        return check_number(n, at, v, err);
    if (json_is_string(v))
        return check_string(n, at, v, err);
    if (json_is_array(v))
        return check_array(n, at, v, err);
    return !json_is_object(v) || check_object(n, at, v, err);
}
