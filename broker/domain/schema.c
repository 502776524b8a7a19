/* Schemas as a whole: check, defaults, release. */
#include "base/mem.h"
#include "domain/schema_own.h"

bool schema_check(const Schema *s, const char *name, const json_t *value, Error *err)
{
    const Place root = {.name = name};
    if (schema_too_deep(value, SCHEMA_JSON_DEPTH))
        return schema_fault(err, &root, "is nested deeper than %d levels", SCHEMA_JSON_DEPTH);
    return schema_check_node(s->root, &root, value, err);
}

static void fill(const Node *n, json_t *v)
{
    const char *key;
    json_t *member;
    size_t i;
    n = schema_node(n);
    if (json_is_array(v) && n->items)
        json_array_foreach(v, i, member) fill(n->items, member);
    json_object_foreach(v, key, member)
    {
        const Property *p = schema_property(&n->properties, key);
        if (p || n->additional)
            fill(p ? p->node : n->additional, member);
    }
    for (i = 0; json_is_object(v) && i < n->properties.count; i++) {
        const Property *p = &n->properties.at[i];
        const json_t *fallback = schema_node(p->node)->fallback;
        if (fallback && !json_object_get(v, p->name))
            json_object_set_new(v, p->name, json_deep_copy(fallback));
    }
}

json_t *schema_with_defaults(const Schema *s, const json_t *value)
{
    json_t *copy = json_deep_copy(value);
    fill(s->root, copy);
    return copy;
}

Schema *schema_free(Schema *s)
{
    if (!s)
        return NULL;
    while (s->all) {
        Node *n = s->all;
        s->all = n->next;
        pattern_free(n->pattern);
        free(n->properties.at);
        free(n);
    }
    free(s->definitions.at);
    json_decref(s->source);
    free(s);
    return NULL;
}
