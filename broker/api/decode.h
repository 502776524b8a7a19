/* Request bodies and query arguments as structs; unknown members are ignored (OSB 2.17, Content Type and JSON). */
#ifndef API_DECODE_H
#define API_DECODE_H

#include "api/api.h"

typedef enum BodyKind { BODY_PROVISION, BODY_UPDATE, BODY_BIND } BodyKind;

/* Members of any body; NULL where absent, null or, for texts, empty. Everything is borrowed from `root`. */
typedef struct Body {
    json_t *root;
    const char *service_id, *plan_id, *organization_guid, *space_guid, *app_guid, *predecessor_binding_id;
    json_t *parameters; /* NULL also when {} */
    json_t *context, *maintenance_info, *bind_resource, *previous_values;
    json_t *filled; /* owned: parameters with the defaults of their schema */
} Body;

void body_clear(Body *b);
static inline UNUSED void body_clear_cleanup(Body *b)
{
    body_clear(b);
}

/*
 * false: ERR_INVALID naming the member: content type, unreadable JSON, not an object, a required member missing, a wrong type. A rotation, a bind with
 * predecessor_binding_id, needs neither service_id nor plan_id.
 */
MUST_CHECK bool body_decode(const Request *r, BodyKind kind, Body *ret, Error *err);

/* The plan that the body names (without plan_id: NULL). false: ERR_INVALID, not in the catalog. */
MUST_CHECK bool body_plan(const Body *b, const Catalog *catalog, const Plan **ret, Error *err);

/* The version that maintenance_info names, or NULL; borrowed. */
const char *body_maintenance_version(const Body *b);
/* Whether maintenance_info names another version than the plan's (also when the plan has none). */
bool body_maintenance_conflicts(const Body *b, const Plan *plan);

/* Fills the defaults of the schema into the parameters, so that requests with and without them are the same. */
void body_fill(Body *b, const Schema *schema);
/* Whether the parameters fit. false: ERR_INVALID naming path, limit and the nearest valid value. */
MUST_CHECK bool body_parameters_fit(const Body *b, const Schema *schema, Error *err);

/* accepts_incomplete, exactly "true". */
bool asks_async(const Request *r);

/* service_id and plan_id of a delete. false: ERR_INVALID naming the missing one. */
MUST_CHECK bool query_has_ids(const Request *r, Error *err);

/* Equal, where NULL is an empty value. */
bool same_text(const char *a, const char *b);
bool same_object(const json_t *a, const json_t *b);

#endif
