/* Composition of parameter schemas, merging of parameters. */
#include "domain/parameters.h"

#include <string.h>

const char *parameter_use_name(ParameterUse use)
{
    static const char *const names[] = {"create", "update", "bind"};
    return names[use];
}

/* Lets a member be null: in its type and among its words. */
static void allow_null(json_t *member)
{
    json_t *type = json_object_get(member, "type"), *words = json_object_get(member, "enum");
    if (json_is_string(type))
        json_object_set_new(member, "type", json_pack("[O, s]", type, "null"));
    if (json_is_array(words))
        json_array_append_new(words, json_null());
}

static json_t *definition_for(const json_t *definition, ParameterUse use)
{
    json_t *copy = json_deep_copy(definition), *member;
    const char *name;
    if (use == PARAMETERS_UPDATE)
        json_object_foreach(json_object_get(copy, "properties"), name, member) allow_null(member);
    return copy;
}

json_t *parameters_schema(const json_t *definitions, const json_t *names, ParameterUse use)
{
    json_t *properties = json_object(), *name;
    size_t i;
    json_array_foreach(names, i, name)
    {
        const char *key = json_string_value(name);
        const json_t *definition = key ? json_object_get(definitions, key) : NULL;
        if (definition)
            json_object_set_new(properties, key, definition_for(definition, use));
    }
    return json_pack("{s:s, s:s, s:b, s:o}", "$schema", "http://json-schema.org/draft-04/schema#", "type", "object",
                     "additionalProperties", 0, "properties", properties);
}

static void merge_members(json_t *target, const json_t *change)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)change, name, value)
    {
        if (json_is_null(value))
            json_object_del(target, name);
        else
            json_object_set_new(target, name, json_deep_copy(value));
    }
}

json_t *parameters_merged(const json_t *old, const json_t *change)
{
    json_t *merged = old ? json_deep_copy(old) : json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)change, name, value)
    {
        json_t *target = json_object_get(merged, name);
        if (!json_is_object(value)) {
            json_object_set_new(merged, name, json_deep_copy(value));
            continue;
        }
        if (!json_is_object(target))
            json_object_set_new(merged, name, target = json_object());
        merge_members(target, value);
        if (json_object_size(target) == 0)
            json_object_del(merged, name);
    }
    return merged;
}
