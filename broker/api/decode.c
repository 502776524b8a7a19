/* Tables of members, and the one reader of them. */
#include "api/decode.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef enum Type { TEXT, OBJECT } Type;

typedef struct Member {
    const char *name;
    Type type;
    bool required;
    size_t offset;
} Member;

#define MEMBER(name, type, required) {#name, type, required, offsetof(Body, name)}
#define END {NULL, TEXT, false, 0}

static const Member provision_members[] = {
    MEMBER(service_id, TEXT, true),    MEMBER(plan_id, TEXT, true),
    MEMBER(organization_guid, TEXT, true), MEMBER(space_guid, TEXT, true),
    MEMBER(parameters, OBJECT, false), MEMBER(context, OBJECT, false),
    MEMBER(maintenance_info, OBJECT, false), END,
};

static const Member update_members[] = {
    MEMBER(service_id, TEXT, true),     MEMBER(plan_id, TEXT, false),
    MEMBER(parameters, OBJECT, false),  MEMBER(context, OBJECT, false),
    MEMBER(maintenance_info, OBJECT, false), MEMBER(previous_values, OBJECT, false), END,
};

static const Member bind_members[] = {
    MEMBER(service_id, TEXT, true),    MEMBER(plan_id, TEXT, true),
    MEMBER(app_guid, TEXT, false),     MEMBER(bind_resource, OBJECT, false),
    MEMBER(parameters, OBJECT, false), MEMBER(context, OBJECT, false),
    MEMBER(predecessor_binding_id, TEXT, false), END,
};

static const Member rotation_members[] = {
    MEMBER(service_id, TEXT, false),   MEMBER(plan_id, TEXT, false),
    MEMBER(app_guid, TEXT, false),     MEMBER(bind_resource, OBJECT, false),
    MEMBER(parameters, OBJECT, false), MEMBER(context, OBJECT, false),
    MEMBER(predecessor_binding_id, TEXT, true), END,
};

static const Member resource_members[] = {MEMBER(app_guid, TEXT, false), END};

void body_clear(Body *b)
{
    json_decref(b->root);
    json_decref(b->filled);
    *b = (Body){0};
}

static bool read_member(const json_t *object, const Member *m, Body *out, Error *err)
{
    json_t *value = json_object_get(object, m->name);
    void *field = (char *)out + m->offset;
    if (json_is_null(value))
        value = NULL;
    if (value && m->type == TEXT && !json_is_string(value))
        return error_set(err, ERR_INVALID, "%s must be a string", m->name);
    if (value && m->type == OBJECT && !json_is_object(value))
        return error_set(err, ERR_INVALID, "%s must be an object", m->name);
    const char *text = json_string_value(value);
    if (m->required && !(m->type == TEXT ? text && *text : value != NULL))
        return error_set(err, ERR_INVALID, "%s is missing", m->name);
    if (m->type == OBJECT)
        *(json_t **)field = value;
    else if (text && *text)
        *(const char **)field = text;
    return true;
}

static bool read_members(const json_t *object, const Member *members, Body *out, Error *err)
{
    for (const Member *m = members; m->name; m++)
        if (!read_member(object, m, out, err))
            return false;
    return true;
}

static bool check_content_type(const Request *r, Error *err)
{
    const char *type = request_header(r, "Content-Type");
    if (!type || !*type)
        return true;
    size_t n = strcspn(type, "; \t");
    if (n == strlen("application/json") && strncasecmp(type, "application/json", n) == 0)
        return true;
    return error_set(err, ERR_INVALID, "the Content-Type of the body must be application/json");
}

static bool parse(const Request *r, json_t **ret, Error *err)
{
    CLEANUP_JSON json_t *root = NULL;
    if (r->body_len == 0)
        return error_set(err, ERR_INVALID, "the request has no body; send a JSON object");
    if (!json_parse(r->body, r->body_len, &root, err))
        return error_wrap(err, "the request body");
    if (!json_is_object(root))
        return error_set(err, ERR_INVALID, "the request body must be a JSON object");
    *ret = TAKE(root);
    return true;
}

bool body_decode(const Request *r, BodyKind kind, Body *ret, Error *err)
{
    static const Member *const tables[] = {provision_members, update_members, bind_members};
    CLEANUP(body_clear) Body b = {0};
    if (!check_content_type(r, err) || !parse(r, &b.root, err))
        return false;
    bool rotates = kind == BODY_BIND && *json_string_at(b.root, "predecessor_binding_id", "");
    if (!read_members(b.root, rotates ? rotation_members : tables[kind], &b, err))
        return false;
    if (b.bind_resource && !read_members(b.bind_resource, resource_members, &b, err))
        return error_wrap(err, "bind_resource");
    const json_t *version = json_object_get(b.maintenance_info, "version");
    if (version && !json_is_null(version) && !json_is_string(version))
        return error_set(err, ERR_INVALID, "maintenance_info.version must be a string");
    if (json_object_size(b.parameters) == 0)
        b.parameters = NULL;
    *ret = b;
    b = (Body){0};
    return true;
}

bool body_plan(const Body *b, const Catalog *catalog, const Plan **ret, Error *err)
{
    if (b->service_id && !catalog_has_service(catalog, b->service_id))
        return error_set(err, ERR_INVALID, "service_id does not name a service of this broker's catalog");
    const Plan *plan = b->plan_id ? catalog_plan(catalog, b->service_id ? b->service_id : catalog_plan_at(catalog, 0)->service_id, b->plan_id) : NULL;
    if (b->plan_id && !plan)
        return error_set(err, ERR_INVALID, "plan_id does not name a plan of this service");
    *ret = plan;
    return true;
}

const char *body_maintenance_version(const Body *b)
{
    const char *version = json_string_value(json_object_get(b->maintenance_info, "version"));
    return version && *version ? version : NULL;
}

bool body_maintenance_conflicts(const Body *b, const Plan *plan)
{
    const char *version = body_maintenance_version(b);
    return version && !same_text(version, plan ? plan->maintenance_version : NULL);
}

void body_fill(Body *b, const Schema *schema)
{
    CLEANUP_JSON json_t *none = json_object();
    json_decref(b->filled);
    b->filled = schema_with_defaults(schema, b->parameters ? b->parameters : none);
    b->parameters = json_object_size(b->filled) > 0 ? b->filled : NULL;
}

bool body_parameters_fit(const Body *b, const Schema *schema, Error *err)
{
    CLEANUP_JSON json_t *none = json_object();
    return schema_check(schema, "parameters", b->parameters ? b->parameters : none, err);
}

bool asks_async(const Request *r)
{
    return same_text(request_query(r, "accepts_incomplete"), "true");
}

bool query_has_ids(const Request *r, Error *err)
{
    static const char *const names[] = {"service_id", "plan_id"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (!request_query(r, names[i]))
            return error_set(err, ERR_INVALID, "the query argument %s is missing", names[i]);
    return true;
}

bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool same_object(const json_t *a, const json_t *b)
{
    bool no_a = json_object_size(a) == 0, no_b = json_object_size(b) == 0;
    return no_a || no_b ? no_a && no_b : json_equal(a, b);
}
