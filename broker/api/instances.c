/* Service instances: provision, fetch, update, deprovision (OSB 2.17, sections of these names). */
#include "api/accept.h"
#include "api/errors.h"
#include "api/handlers.h"

/* Context is no attribute: names and annotations in it change. */
static bool same_instance(const Instance *i, const Body *b)
{
    return i->state != INSTANCE_ABSENT && same_text(i->service_id, b->service_id) && same_text(i->plan_id, b->plan_id) &&
           same_text(i->organization_guid, b->organization_guid) && same_text(i->space_guid, b->space_guid) &&
           same_object(i->parameters, b->parameters);
}

static bool provision(Accept *a, Error *err)
{
    const Body *b = &a->body;
    CLEANUP_FREE char *ns = instance_namespace(a->api->namespace_prefix, a->r->ids[0]);
    /* The insert only reads. */
    const Instance new = {.state = INSTANCE_CREATING, .id = (char *)a->r->ids[0], .service_id = (char *)b->service_id,
                          .plan_id = (char *)b->plan_id, .organization_guid = (char *)b->organization_guid,
                          .space_guid = (char *)b->space_guid, .ns = ns, .parameters = b->parameters, .context = b->context};
    return store_insert_instance(a->tx, &new, err) && accept_operation(a, OP_PROVISION, &new, err);
}

bool instance_put(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    const Plan *plan;
    Change change;
    if (!body_decode(r, BODY_PROVISION, &a.body, err) || !body_plan(&a.body, a.api->catalog, &plan, err) || !accept_lock(&a, err))
        return false;
    const Now now = {.instance = a.instance.state, .same = same_instance(&a.instance, &a.body)};
    if (!lifecycle_decide(&now, ASK_PROVISION, &change, err))
        return false;
    if (change.decision == DECIDE_DONE)
        return answer_empty(response, 200);
    if (change.decision == DECIDE_START && body_maintenance_conflicts(&a.body, plan))
        return refuse_maintenance(response);
    if (!asks_async(r))
        return refuse_synchronous(response);
    return (change.decision == DECIDE_REPEAT ? accept_running(&a, err) : body_parameters_fit(&a.body, err) && provision(&a, err)) &&
           answer_accepted(response, a.operation);
}

bool instance_get(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    CLEANUP(instance_clear) Instance i = {0};
    if (!store_get_instance(api->store, r->ids[0], &i, err))
        return false;
    if (i.state == INSTANCE_ABSENT || i.state == INSTANCE_CREATING || i.state == INSTANCE_CREATE_FAILED)
        return error_set(err, ERR_NOT_FOUND, i.state == INSTANCE_ABSENT ? "no such instance" : "the instance is not created yet");
    *response = (Response){.status = 200, .body = json_pack("{s:s, s:s, s:O*}", "service_id", i.service_id, "plan_id", i.plan_id,
                                                            "parameters", i.parameters)};
    return true;
}

/* Every check of an update, then the refusal that the catalog announces with plan_updateable: false. */
bool instance_patch(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    CLEANUP(body_clear) Body b = {0};
    CLEANUP(instance_clear) Instance i = {0};
    const Plan *plan;
    if (!body_decode(r, BODY_UPDATE, &b, err) || !body_plan(&b, api->catalog, &plan, err) ||
        !store_get_instance(api->store, r->ids[0], &i, err))
        return false;
    if (i.state == INSTANCE_ABSENT)
        return error_set(err, ERR_NOT_FOUND, "no such instance");
    if (!plan)
        plan = catalog_plan(api->catalog, i.service_id, i.plan_id);
    if (body_maintenance_conflicts(&b, plan))
        return refuse_maintenance(response);
    if (!asks_async(r))
        return refuse_synchronous(response);
    if (i.state == INSTANCE_CREATING || i.state == INSTANCE_DELETING)
        return error_set(err, ERR_BUSY, "an operation on the instance is in progress");
    if (!body_parameters_fit(&b, err))
        return false;
    refuse(response, 422, "UpdateNotSupported",
           "This service's plans do not offer updates (plan_updateable is false in the catalog); create a new instance of the other plan instead.");
    if (r->minor >= 16)
        json_object_set_new(response->body, "update_repeatable", json_false());
    return true;
}

bool instance_delete(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    Now now = {0};
    Change change;
    if (!query_has_ids(r, err))
        return false;
    if (!asks_async(r))
        return refuse_synchronous(response);
    if (!accept_lock(&a, err))
        return false;
    now.instance = a.instance.state;
    if (now.instance != INSTANCE_ABSENT && !store_binding_operations_open(a.tx, r->ids[0], &now.binding_operations, err))
        return false;
    return lifecycle_decide(&now, ASK_DEPROVISION, &change, err) && accept_delete(&a, &change, err) &&
           answer_accepted(response, a.operation);
}
