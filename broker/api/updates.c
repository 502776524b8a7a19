/* Updating of service instances (OSB 2.17, section of this name): what can be done without touching pods; all else is refused by name. */
#include "api/accept.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "api/versions.h"

/* The request as it is compared with one that runs; new reference. */
static json_t *ask_of(const Body *b)
{
    return json_pack("{s:s*, s:O*, s:O*, s:s*}", "plan_id", b->plan_id, "parameters", b->parameters, "context", b->context, "version",
                     json_string_value(json_object_get(b->maintenance_info, "version")));
}

/* *ret = whether the update that runs asks for the same. */
static bool same_as_running(Accept *a, const json_t *ask, bool *ret, Error *err)
{
    CLEANUP(operation_clear) Operation o = {0};
    CLEANUP_JSON json_t *request = NULL;
    if (!store_last_operation_tx(a->tx, a->r->ids[0], NULL, &o, err) ||
        (o.found && !store_operation_request_tx(a->tx, o.id, &request, err)))
        return false;
    *ret = json_equal(json_object_get(request, "ask"), ask);
    return true;
}

static bool refuse_update(const Request *r, Response *response, const char *word, const char *description)
{
    refuse(response, 422, word, description);
    if (r->minor >= MINOR_WITH_OUTLOOK)
        json_object_set_new(response->body, "update_repeatable", json_false());
    return true;
}

/* What the catalog announces as not possible, or a change of pods. true: refused. */
static bool unsupported(const Accept *a, Response *response)
{
    const char *version = body_maintenance_version(&a->body);
    if (a->body.plan_id && !same_text(a->body.plan_id, a->instance.plan_id))
        return refuse_update(a->r, response, "PlanChangeNotSupported",
                             "An instance cannot be moved to another plan (plan_updateable is false in the catalog); create a new instance of "
                             "that plan instead.");
    if (version && !same_text(version, a->instance.maintenance_version))
        return refuse_update(a->r, response, "MaintenanceNotSupported",
                             "The instance runs an older maintenance version, and this broker cannot upgrade it in place; create a new instance "
                             "instead.");
    return false;
}

/* Whether a name that the broker shows to people has changed. */
static bool names_changed(const json_t *old, const json_t *new)
{
    for (const char *const *name = context_names; new && *name; name++)
        if (!same_text(json_string_at(old, *name, ""), json_string_at(new, *name, "")))
            return true;
    return false;
}

/* An update without work: at most the context is stored. */
static bool finish_at_once(Accept *a, Response *response, Error *err)
{
    if (a->body.context && !json_equal(a->body.context, a->instance.context) &&
        (!store_set_instance_context(a->tx, a->r->ids[0], a->body.context, err) || !store_commit(&a->tx, err)))
        return false;
    return answer_empty(response, 200);
}

static bool start(Accept *a, const json_t *ask, InstanceState state, Response *response, Error *err)
{
    CLEANUP_JSON json_t *merged = parameters_merged(a->instance.parameters, a->body.parameters);
    if (same_object(merged, a->instance.parameters) && !names_changed(a->instance.context, a->body.context))
        return finish_at_once(a, response, err);
    CLEANUP_JSON json_t *request = json_pack("{s:O, s:O*, s:O*}", "ask", ask, "parameters", a->body.parameters ? merged : NULL, "context",
                                             a->body.context);
    return store_set_instance_state(a->tx, a->r->ids[0], state, err) &&
           accept_operation(a, OP_UPDATE, &a->instance, request, err) && answer_accepted(response, a->operation);
}

/* Decides under the lock; `plan` is the instance's own. */
static bool decide(Accept *a, const Plan *plan, Response *response, Error *err)
{
    CLEANUP_JSON json_t *ask = ask_of(&a->body);
    Now now = {.instance = a->instance.state};
    Change change;
    if ((now.instance == INSTANCE_UPDATING && !same_as_running(a, ask, &now.same, err)) ||
        (now.instance == INSTANCE_READY && !store_binding_operations_open(a->tx, a->r->ids[0], &now.binding_operations, err)))
        return false;
    if (!lifecycle_decide(&now, ASK_UPDATE, &change, err))
        return err->kind == ERR_INVALID && refuse_update(a->r, response, "InstanceNotUsable", err->text);
    if (change.decision == DECIDE_REPEAT)
        return accept_running(a, err) && answer_accepted(response, a->operation);
    if (!plan)
        return refuse_update(a->r, response, "PlanNotInCatalog", "The plan of this instance is no longer in the catalog; it can only be deleted.");
    return body_parameters_fit(&a->body, plan->schemas[PARAMETERS_UPDATE], err) &&
           (unsupported(a, response) || start(a, ask, change.instance, response, err));
}

bool instance_patch(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    const Plan *target;
    if (!body_decode(r, BODY_UPDATE, &a.body, err) || !body_plan(&a.body, a.api->catalog, &target, err) || !accept_lock(&a, err))
        return false;
    if (a.instance.state == INSTANCE_ABSENT)
        return error_set(err, ERR_NOT_FOUND, "no such instance");
    const Plan *plan = catalog_plan(a.api->catalog, a.instance.service_id, a.instance.plan_id);
    if (body_maintenance_conflicts(&a.body, target ? target : plan))
        return refuse_maintenance(response);
    if (!asks_async(r))
        return refuse_synchronous(response);
    if (!decide(&a, plan, response, err))
        return false;
    if (response->status < 300)
        answer_metadata(a.api, r, &a.instance, response);
    return true;
}
