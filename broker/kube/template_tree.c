/* Trees of a template, node by node: the value of a string never becomes structure by accident. */
#include "base/mem.h"
#include "kube/template_internal.h"

#include <string.h>

bool template_tree_check(const char *file, const NodePath *at, const json_t *node, Error *err)
{
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_string(node))
        return template_string_check(file, at, json_string_value(node), err);
    json_object_foreach((json_t *)node, key, child)
    {
        const NodePath below = {at, key, 0};
        if (!template_string_check(file, &below, key, err) || !template_tree_check(file, &below, child, err))
            return false;
        if (strncmp(key, "${{", 3) == 0)
            return template_fault(file, &below, err, "a key takes ${path} only");
    }
    json_array_foreach((json_t *)node, i, child)
    {
        const NodePath below = {at, NULL, i};
        if (!template_tree_check(file, &below, child, err))
            return false;
    }
    return true;
}

static bool render_object(const TemplateScope *scope, const NodePath *at, const json_t *node, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *out = json_object();
    const char *key;
    json_t *child;
    json_object_foreach((json_t *)node, key, child)
    {
        const NodePath below = {at, key, 0};
        CLEANUP_FREE char *name = NULL;
        CLEANUP_JSON json_t *value = NULL;
        if (!template_key_render(scope, &below, key, &name, err) || !template_tree_render(scope, &below, child, &value, err))
            return false;
        if (json_object_get(out, name))
            return template_fault(scope->file, &below, err, "key %s comes twice", name);
        if (value)
            json_object_set(out, name, value);
    }
    *ret = TAKE(out);
    return true;
}

static bool render_array(const TemplateScope *scope, const NodePath *at, const json_t *node, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *out = json_array();
    json_t *child;
    size_t i;
    json_array_foreach((json_t *)node, i, child)
    {
        const NodePath below = {at, NULL, i};
        CLEANUP_JSON json_t *value = NULL;
        if (!template_tree_render(scope, &below, child, &value, err))
            return false;
        if (value)
            json_array_append(out, value);
    }
    *ret = TAKE(out);
    return true;
}

bool template_tree_render(const TemplateScope *scope, const NodePath *at, const json_t *node, json_t **ret, Error *err)
{
    if (json_is_object(node))
        return render_object(scope, at, node, ret, err);
    if (json_is_array(node))
        return render_array(scope, at, node, ret, err);
    if (json_is_string(node))
        return template_string_render(scope, at, json_string_value(node), ret, err);
    *ret = json_deep_copy(node);
    return true;
}

json_t *template_each_values(const json_t *values, const json_t *element, size_t index)
{
    json_t *inner = json_copy((json_t *)values);
    json_object_set(inner, "each", (json_t *)element);
    json_object_set_new(inner, "index", json_integer((json_int_t)index));
    return inner;
}
