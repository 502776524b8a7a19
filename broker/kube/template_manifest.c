/* One manifest: the annotations that repeat it or leave it out, and the data of ConfigMaps and Secrets. */
#include "base/digest.h"
#include "base/mem.h"
#include "kube/properties.h"
#include "kube/template_internal.h"

#include <string.h>

static const char WHEN[] = "cpbroker/when", EACH[] = "cpbroker/each", EACH_KEY[] = "cpbroker/each-key";

/* Borrowed value of an annotation, or NULL. */
static const char *annotation(const json_t *tree, const char *name)
{
    return json_string_value(json_object_get(json_at(tree, "metadata.annotations"), name));
}

static bool has_data(const json_t *tree)
{
    const char *kind = json_string_at(tree, "kind", "");
    return strcmp(kind, "ConfigMap") == 0 || strcmp(kind, "Secret") == 0;
}

static bool check_annotations(const char *file, const json_t *tree, Error *err)
{
    const NodePath metadata = {NULL, "metadata", 0}, annotations = {&metadata, "annotations", 0};
    const char *key;
    json_t *value;
    json_object_foreach(json_at(tree, "metadata.annotations"), key, value)
    {
        const NodePath at = {&annotations, key, 0};
        if (strncmp(key, "cpbroker/", 9) != 0)
            continue;
        if (strcmp(key, WHEN) != 0 && strcmp(key, EACH) != 0 && strcmp(key, EACH_KEY) != 0)
            return template_fault(file, &at, err, "unknown annotation; known are %s, %s and %s", WHEN, EACH, EACH_KEY);
        if (!json_is_string(value) || strchr(json_string_value(value), '$') || !json_string_length(value))
            return template_fault(file, &at, err, "must be a path such as kafka.nodes, without ${}");
        if (strcmp(key, EACH_KEY) == 0 && !has_data(tree))
            return template_fault(file, &at, err, "only a ConfigMap or a Secret has keys to repeat");
    }
    return true;
}

/* `data` of a Secret is base64 already: only stringData takes plain text and properties. */
static bool check_secret(const char *file, const json_t *tree, Error *err)
{
    const NodePath data = {NULL, "data", 0};
    const char *key;
    json_t *value;
    if (strcmp(json_string_at(tree, "kind", ""), "Secret") == 0)
        json_object_foreach(json_object_get(tree, "data"), key, value)
        {
            const NodePath at = {&data, key, 0};
            if (json_is_object(value))
                return template_fault(file, &at, err, "move it to stringData; data of a Secret is base64");
        }
    return true;
}

bool template_manifest_check(const char *file, const json_t *tree, Error *err)
{
    static const char *const needed[] = {"kind", "apiVersion", "metadata.name"};
    if (!json_is_object(tree))
        return error_set(err, ERR_INVALID, "%s: not a manifest; it must be a mapping with apiVersion, kind and metadata", file);
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
        if (!*json_string_at(tree, needed[i], ""))
            return error_set(err, ERR_INVALID, "%s: no %s", file, needed[i]);
    if (strstr(json_string_at(tree, "kind", ""), "${"))
        return error_set(err, ERR_INVALID, "%s: kind must be plain text", file);
    return check_annotations(file, tree, err) && check_secret(file, tree, err) && template_tree_check(file, NULL, tree, err);
}

/* Whether the value at `condition` ("path" or "!path") asks for the manifest; an absent value is false. */
static bool condition_holds(const TemplateScope *scope, const char *condition, bool *ret, Error *err)
{
    bool negated = condition[0] == '!';
    const json_t *value = template_lookup(scope->values, condition + negated);
    if (json_is_object(value) || json_is_array(value))
        return error_set(err, ERR_INVALID, "%s: %s: the value at %s must be a boolean, a text or a number", scope->file, WHEN,
                         condition + negated);
    bool truth = json_is_true(value) || (json_is_string(value) && json_string_length(value) > 0) ||
                 (json_is_number(value) && json_number_value(value) != 0.0);
    *ret = truth != negated;
    return true;
}

/* The list at the path that an annotation names. */
static bool list_of(const TemplateScope *scope, const char *name, const char *path, const json_t **ret, Error *err)
{
    const json_t *list = template_lookup(scope->values, path);
    if (!json_is_array(list))
        return error_set(err, ERR_INVALID, "%s: %s: %s %s", scope->file, name, list ? "no list at" : "no value for", path);
    *ret = list;
    return true;
}

/* Replaces stringData by base64 data: only data comes back from the API server, so only data makes apply idempotent. */
static void encode_secret(json_t *object)
{
    const char *key;
    json_t *value, *data = json_object_get(object, "data");
    if (!json_object_get(object, "stringData"))
        return;
    if (!data)
        json_object_set_new(object, "data", data = json_object());
    json_object_foreach(json_object_get(object, "stringData"), key, value)
    {
        CLEANUP_SECRET char *text = base64_encode(json_string_value(value), json_string_length(value));
        json_object_set_new(data, key, json_string(text));
    }
    json_object_del(object, "stringData");
}

static void remove_consumed(json_t *object)
{
    json_t *metadata = json_object_get(object, "metadata"), *annotations = json_object_get(metadata, "annotations");
    json_object_del(annotations, WHEN);
    json_object_del(annotations, EACH);
    json_object_del(annotations, EACH_KEY);
    if (json_is_object(annotations) && json_object_size(annotations) == 0)
        json_object_del(metadata, "annotations");
}

static bool render_object(const TemplateScope *scope, const json_t *tree, json_t *out, Error *err)
{
    CLEANUP_JSON json_t *object = json_object();
    const json_t *each = NULL;
    const char *each_path = annotation(tree, EACH_KEY), *key;
    json_t *child;
    if (each_path && !list_of(scope, EACH_KEY, each_path, &each, err))
        return false;
    json_object_foreach((json_t *)tree, key, child)
    {
        const NodePath at = {NULL, key, 0};
        bool data = has_data(tree) && (strcmp(key, "data") == 0 || strcmp(key, "stringData") == 0);
        CLEANUP_JSON json_t *value = NULL;
        if (!(data ? template_data_render(scope, &at, child, each, &value, err)
                   : template_tree_render(scope, &at, child, &value, err)))
            return false;
        if (value)
            json_object_set(object, key, value);
    }
    remove_consumed(object);
    if (strcmp(json_string_at(object, "kind", ""), "Secret") == 0)
        encode_secret(object);
    json_array_append(out, object);
    return true;
}

/* A condition on `each` is asked for each element, any other one before. */
bool template_manifest_render(const TemplateScope *scope, const json_t *tree, json_t *out, Error *err)
{
    const char *when = annotation(tree, WHEN), *each = annotation(tree, EACH);
    const json_t *list;
    json_t *element;
    size_t i;
    bool wanted = true, per_element = when && each && template_path_is_each(when + (when[0] == '!'));
    if (when && !per_element && !condition_holds(scope, when, &wanted, err))
        return false;
    if (!wanted)
        return true;
    if (!each)
        return render_object(scope, tree, out, err);
    if (!list_of(scope, EACH, each, &list, err))
        return false;
    json_array_foreach((json_t *)list, i, element)
    {
        CLEANUP_JSON json_t *values = template_each_values(scope->values, element, i);
        const TemplateScope inner = {scope->file, values};
        if (per_element && !condition_holds(&inner, when, &wanted, err))
            return false;
        if (wanted && !render_object(&inner, tree, out, err))
            return false;
    }
    return true;
}
