/* Service instances: provision, fetch, deprovision (OSB 2.17, sections of these names). */
#include "api/accept.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "api/versions.h"

/* Context is no attribute: names and annotations in it change. */
static bool same_instance(const Instance *i, const Body *b)
{
    return i->state != INSTANCE_ABSENT && same_text(i->service_id, b->service_id) && same_text(i->plan_id, b->plan_id) &&
           same_text(i->organization_guid, b->organization_guid) && same_text(i->space_guid, b->space_guid) &&
           same_object(i->parameters, b->parameters);
}

/* Compares with every quota that has a limit; each stays locked until the new instance is counted. *ret_fits = false: the response says why. */
static bool check_quotas(Accept *a, const Plan *plan, bool *ret_fits, Response *response, Error *err)
{
    const QuotaSubject subject = {plan->id, a->body.organization_guid, a->body.space_guid};
    QuotaScope scopes[QUOTA_SCOPES];
    size_t count = quotas_scopes(a->api->quotas, &subject, scopes);
    *ret_fits = true;
    for (size_t i = 0; i < count && *ret_fits; i++) {
        Amounts used;
        Error why;
        if (!store_lock_usage(a->tx, scopes[i].scope, scopes[i].key, &used, err))
            return false;
        *ret_fits = quota_fits(&scopes[i], &used, &plan->need, &why) || !refuse(response, 400, "QuotaExceeded", why.text);
    }
    return true;
}

static bool provision(Accept *a, const Plan *plan, Error *err)
{
    const Body *b = &a->body;
    CLEANUP_FREE char *ns = instance_namespace(a->api->namespace_prefix, a->r->ids[0]);
    /* The insert only reads. */
    const Instance new = {.state = INSTANCE_CREATING, .id = (char *)a->r->ids[0], .service_id = (char *)b->service_id,
                          .plan_id = (char *)b->plan_id, .organization_guid = (char *)b->organization_guid,
                          .space_guid = (char *)b->space_guid, .ns = ns, .parameters = b->parameters, .context = b->context,
                          .maintenance_version = (char *)plan->maintenance_version};
    if (!store_insert_instance(a->tx, &new, &plan->need, err) || !accept_operation(a, OP_PROVISION, &new, NULL, err))
        return false;
    a->instance = (Instance){.state = new.state, .service_id = xstrdup(new.service_id), .plan_id = xstrdup(new.plan_id), .ns = TAKE(ns)};
    return true;
}

/* A new instance, once all that is known without the database is in order. */
static bool put_new(Accept *a, const Plan *plan, Response *response, Error *err)
{
    bool fits = false;
    if (plan->retired)
        return error_set(err, ERR_INVALID, "plan %s is no longer offered; choose another one", plan->name);
    if (!body_parameters_fit(&a->body, plan->schemas[PARAMETERS_CREATE], err) || !check_quotas(a, plan, &fits, response, err))
        return false;
    return !fits || (provision(a, plan, err) && answer_accepted(response, a->operation));
}

bool instance_put(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    const Plan *plan;
    Change change;
    if (!body_decode(r, BODY_PROVISION, &a.body, err) || !body_plan(&a.body, a.api->catalog, &plan, err) || !accept_lock(&a, err))
        return false;
    body_fill(&a.body, plan->schemas[PARAMETERS_CREATE]);
    const Now now = {.instance = a.instance.state, .same = same_instance(&a.instance, &a.body)};
    if (!lifecycle_decide(&now, ASK_PROVISION, &change, err))
        return false;
    if (change.decision == DECIDE_DONE) {
        answer_empty(response, 200);
        answer_metadata(a.api, r, &a.instance, response);
        return true;
    }
    if (change.decision == DECIDE_START && body_maintenance_conflicts(&a.body, plan))
        return refuse_maintenance(response);
    if (!asks_async(r))
        return refuse_synchronous(response);
    if (change.decision == DECIDE_START ? !put_new(&a, plan, response, err)
                                        : !accept_running(&a, err) || !answer_accepted(response, a.operation))
        return false;
    if (response->status == 202)
        answer_metadata(a.api, r, &a.instance, response);
    return true;
}

bool instance_get(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    CLEANUP(instance_clear) Instance i = {0};
    if (!store_get_instance(api->store, r->ids[0], &i, err))
        return false;
    if (i.state == INSTANCE_ABSENT || i.state == INSTANCE_CREATING || i.state == INSTANCE_CREATE_FAILED)
        return error_set(err, ERR_NOT_FOUND, i.state == INSTANCE_ABSENT ? "no such instance" : "the instance is not created yet");
    json_t *parameters = json_object_size(i.parameters) > 0 ? i.parameters : NULL;
    *response = (Response){.status = 200, .body = json_pack("{s:s, s:s, s:O*}", "service_id", i.service_id, "plan_id", i.plan_id,
                                                            "parameters", parameters)};
    if (r->minor < MINOR_WITH_DETAILS)
        return true;
    if (i.maintenance_version)
        json_object_set_new(response->body, "maintenance_info", json_pack("{s:s}", "version", i.maintenance_version));
    answer_metadata(api, r, &i, response);
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
