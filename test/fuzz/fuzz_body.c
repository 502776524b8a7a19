/*
 * Bodies of requests: decoding of all kinds, then the plans' own schemas, defaults, the merge of an update.
 * Input: a line "KIND PLAN CONTENT-TYPE" (p, u or b; number of a plan), a line with the parameters that the instance has, the body.
 */
#include "fuzz.h"

#include "api/decode.h"
#include "api/errors.h"
#include "base/mem.h"

#include <string.h>

/* The decoder asks for nothing but the content type, which `internal` holds. */
const char *request_header(const Request *r, const char *name)
{
    HOLDS(strcmp(name, "Content-Type") == 0);
    return r->internal;
}

const char *request_query(const Request *r, const char *name)
{
    (void)r;
    (void)name;
    return NULL;
}

/* What the platform is told: a status of the client's fault, and a text. */
static void check_refusal(const Request *r, const Error *err)
{
    Response response = {0};
    fuzz_check_error(err, ERR_INVALID);
    api_encode_error(NULL, r, err, &response);
    HOLDS(response.status == 400);
    HOLDS(strcmp(json_string_at(response.body, "error", ""), "BadRequest") == 0);
    const char *text = json_string_at(response.body, "description", "");
    HOLDS(*text && strchr(".!?", text[strlen(text) - 1]));
    json_decref(response.body);
}

/* Whether `value` fits, which asking again does not change; a refusal names the path. */
static bool fits(const Schema *schema, const json_t *value)
{
    Error first = {0}, second = {0};
    CLEANUP_FREE char *before = json_text(value);
    bool good = schema_check(schema, "parameters", value, &first);
    HOLDS(schema_check(schema, "parameters", value, &second) == good);
    HOLDS(schema_check(schema, "parameters", value, NULL) == good);
    CLEANUP_FREE char *after = json_text(value);
    HOLDS(strcmp(before, after) == 0);
    if (good)
        return true;
    fuzz_check_error(&first, ERR_INVALID);
    HOLDS(strcmp(first.text, second.text) == 0);
    HOLDS(strncmp(first.text, "parameters", strlen("parameters")) == 0);
    return false;
}

/* Defaults are filled once, and what fits without them fits with them. */
static void check_parameters(const Request *r, Body *b, const Schema *schema)
{
    Error err = {0};
    CLEANUP_JSON json_t *none = json_object(), *given = json_incref(b->parameters ? b->parameters : none);
    bool good = fits(schema, given);
    body_fill(b, schema);
    HOLDS(body_parameters_fit(b, schema, &err) == good);
    if (!good) {
        check_refusal(r, &err);
        return;
    }
    CLEANUP_JSON json_t *again = schema_with_defaults(schema, b->filled);
    HOLDS(fuzz_same_json(again, b->filled));
    HOLDS(fits(schema, b->filled));
}

/* Parameters of an instance that an update has changed are such as a create could have given. */
static void check_merge(const Plan *plan, const json_t *old, const json_t *change)
{
    if (!json_is_object(old) || !fits(plan->schemas[PARAMETERS_CREATE], old) || (change && !fits(plan->schemas[PARAMETERS_UPDATE], change)))
        return;
    CLEANUP_JSON json_t *merged = parameters_merged(old, change), *again = parameters_merged(merged, change), *same = parameters_merged(old, NULL);
    HOLDS(fits(plan->schemas[PARAMETERS_CREATE], merged));
    HOLDS(fuzz_same_json(merged, again));
    HOLDS(fuzz_same_json(old, same));
}

static void check_text(const json_t *root, const char *name, const char *text)
{
    HOLDS(!text || (*text && text == json_string_value(json_object_get(root, name))));
}

static void check_members(const Body *b, BodyKind kind)
{
    check_text(b->root, "service_id", b->service_id);
    check_text(b->root, "plan_id", b->plan_id);
    check_text(b->root, "organization_guid", b->organization_guid);
    check_text(b->root, "space_guid", b->space_guid);
    check_text(b->root, "predecessor_binding_id", b->predecessor_binding_id);
    HOLDS(!b->parameters || json_object_size(b->parameters) > 0);
    HOLDS(!b->context || json_is_object(b->context));
    HOLDS(b->service_id || (kind == BODY_BIND && b->predecessor_binding_id));
    HOLDS(kind != BODY_PROVISION || (b->plan_id && b->organization_guid && b->space_guid));
    HOLDS(kind != BODY_BIND || b->plan_id || b->predecessor_binding_id);
}

static void check_body(const Request *r, BodyKind kind, const Plan *plan, const json_t *old)
{
    CLEANUP(body_clear) Body b = {0};
    CLEANUP(body_clear) Body second = {0};
    Error err = {0}, other = {0};
    const Plan *named;
    bool good = body_decode(r, kind, &b, &err);
    HOLDS(body_decode(r, kind, &second, &other) == good);
    if (!good) {
        check_refusal(r, &err);
        HOLDS(strcmp(err.text, other.text) == 0);
        return;
    }
    HOLDS(json_equal(b.root, second.root));
    check_members(&b, kind);
    if (!body_plan(&b, fuzz_catalog(), &named, &err))
        check_refusal(r, &err);
    else if (named)
        plan = named;
    (void)body_maintenance_conflicts(&b, plan);
    if (kind == BODY_UPDATE)
        check_merge(plan, old, b.parameters);
    check_parameters(r, &b, plan->schemas[kind == BODY_PROVISION ? PARAMETERS_CREATE : kind == BODY_UPDATE ? PARAMETERS_UPDATE : PARAMETERS_BIND]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char kinds[] = "pub";
    Input in = {(const char *)data, n};
    CLEANUP_FREE char *head = input_line(&in), *known = input_line(&in), *body = NULL;
    CLEANUP_JSON json_t *old = NULL;
    Error err;
    if (!head || !known || strlen(head) < 4 || !strchr(kinds, head[0]))
        return 0;
    const Plan *plan = catalog_plan_at(fuzz_catalog(), (size_t)(unsigned char)head[2] % 3);
    HOLDS(plan);
    Request r = {.method = "PUT", .path = "/", .internal = head + 4 - (head[3] != ' ')};
    r.body = body = input_rest(&in, &r.body_len);
    if (!json_parse(known, strlen(known), &old, &err))
        fuzz_check_error(&err, ERR_INVALID);
    check_body(&r, (BodyKind)(strchr(kinds, head[0]) - kinds), plan, old);
    return 0;
}
