/* Data and stringData of ConfigMaps and Secrets: keys repeated per element, mappings written as Java properties. */
#include "base/mem.h"
#include "kube/properties.h"
#include "kube/template_internal.h"

#include <string.h>

/* Puts one rendered entry into `out` as text. */
static bool set_text(const TemplateScope *scope, const NodePath *at, const char *name, json_t *value, json_t *out, Error *err)
{
    CLEANUP_STR Str text = STR_INIT;
    Error fault = {0};
    if (json_object_get(out, name))
        return template_fault(scope->file, at, err, "key %s comes twice", name);
    if (json_is_string(value)) {
        json_object_set(out, name, value);
        return true;
    }
    if (!json_is_object(value))
        return template_fault(scope->file, at, err, "must be a text (quoted) or a mapping, which becomes a properties file");
    if (!properties_write(value, &text, &fault))
        return template_fault(scope->file, at, err, "%s", fault.text);
    json_object_set_new(out, name, json_stringn(str_text(&text), text.len));
    return true;
}

static bool render_entry(const TemplateScope *scope, const NodePath *at, const json_t *node, json_t *out, Error *err)
{
    CLEANUP_FREE char *name = NULL;
    CLEANUP_JSON json_t *value = NULL;
    if (!template_key_render(scope, at, at->key, &name, err) || !template_tree_render(scope, at, node, &value, err))
        return false;
    return !value || set_text(scope, at, name, value, out, err);
}

static bool render_entry_each(const TemplateScope *scope, const NodePath *at, const json_t *node, const json_t *each,
                              json_t *out, Error *err)
{
    json_t *element;
    size_t i;
    json_array_foreach((json_t *)each, i, element)
    {
        CLEANUP_JSON json_t *values = template_each_values(scope->values, element, i);
        const TemplateScope inner = {scope->file, values};
        if (!render_entry(&inner, at, node, out, err))
            return false;
    }
    return true;
}

bool template_data_render(const TemplateScope *scope, const NodePath *at, const json_t *node, const json_t *each,
                          json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *out = json_object(), *whole = NULL;
    const char *key;
    json_t *child;
    if (!json_is_object(node)) { /* "${{path}}": its keys are values, so they are not rendered again */
        if (!template_tree_render(scope, at, node, &whole, err))
            return false;
        if (whole && !json_is_object(whole))
            return template_fault(scope->file, at, err, "must be a mapping");
        json_object_foreach(whole, key, child)
        {
            const NodePath below = {at, key, 0};
            if (!json_is_null(child) && !set_text(scope, &below, key, child, out, err))
                return false;
        }
        *ret = whole ? TAKE(out) : NULL;
        return true;
    }
    json_object_foreach((json_t *)node, key, child)
    {
        const NodePath below = {at, key, 0};
        if (!(each && template_uses_each(key) ? render_entry_each(scope, &below, child, each, out, err)
                                              : render_entry(scope, &below, child, out, err)))
            return false;
    }
    *ret = TAKE(out);
    return true;
}
