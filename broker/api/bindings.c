/* Service bindings: bind, fetch, unbind (OSB 2.17, sections of these names). Synchronous and asynchronous requests start the same operation. */
#include "api/accept.h"
#include "api/credentials.h"
#include "api/handlers.h"
#include "api/wait.h"

static bool same_binding(const Binding *known, const Request *r, const Body *b)
{
    return known->state != BINDING_ABSENT && same_text(known->instance_id, r->ids[0]) && same_text(known->service_id, b->service_id) &&
           same_text(known->plan_id, b->plan_id) && same_text(known->app_guid, b->app_guid) && same_object(known->parameters, b->parameters);
}

static bool check_new(const Accept *a, const Plan *plan, Error *err)
{
    if (!plan->bindable)
        return error_set(err, ERR_INVALID, "this plan is not bindable");
    if (!same_text(a->instance.service_id, a->body.service_id) || !same_text(a->instance.plan_id, a->body.plan_id))
        return error_set(err, ERR_INVALID, "service_id and plan_id are not those of the instance");
    return body_parameters_fit(&a->body, err);
}

static bool bind_new(Accept *a, Error *err)
{
    const Body *b = &a->body;
    /* The insert only reads. */
    const Binding new = {.state = BINDING_CREATING, .id = (char *)a->r->ids[1], .instance_id = (char *)a->r->ids[0],
                         .service_id = (char *)b->service_id, .plan_id = (char *)b->plan_id, .app_guid = (char *)b->app_guid,
                         .parameters = b->parameters, .context = b->context};
    return store_insert_binding(a->tx, &new, err) && accept_operation(a, OP_BIND, &a->instance, err);
}

bool binding_put(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    const Plan *plan;
    Change change;
    if (!body_decode(r, BODY_BIND, &a.body, err) || !body_plan(&a.body, a.api->catalog, &plan, err) || !accept_lock(&a, err))
        return false;
    const Now now = {.instance = a.instance.state, .binding = a.binding.state, .same = same_binding(&a.binding, r, &a.body)};
    if (!lifecycle_decide(&now, ASK_BIND, &change, err))
        return false;
    bool new = change.decision == DECIDE_START;
    if (new && (!check_new(&a, plan, err) || !bind_new(&a, err)))
        return false;
    if (change.decision == DECIDE_REPEAT && !accept_running(&a, err))
        return false;
    a.tx = tx_free(a.tx); /* the connection is not kept while the request waits */
    if (change.decision != DECIDE_DONE && asks_async(r))
        return answer_accepted(response, a.operation);
    if (change.decision != DECIDE_DONE && !wait_for_success(a.api, a.operation, response))
        return true;
    return answer_credentials(a.api, r, NULL, new ? 201 : 200, response, err);
}

bool binding_get(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    CLEANUP(binding_clear) Binding known = {0};
    if (!store_get_binding(api->store, r->ids[0], r->ids[1], &known, err))
        return false;
    if (known.state != BINDING_READY)
        return error_set(err, ERR_NOT_FOUND, known.state == BINDING_ABSENT ? "the instance has no such binding" : "the binding is not usable");
    return answer_credentials(api, r, known.parameters, 200, response, err);
}

bool binding_delete(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    Change change;
    if (!accept_lock(&a, err))
        return false;
    if (a.binding.state == BINDING_ABSENT || !same_text(a.binding.instance_id, r->ids[0]))
        return error_set(err, ERR_GONE, "the instance has no such binding");
    const Now now = {.instance = a.instance.state, .binding = a.binding.state};
    if (!query_has_ids(r, err) || !lifecycle_decide(&now, ASK_UNBIND, &change, err) || !accept_delete(&a, &change, err))
        return false;
    a.tx = tx_free(a.tx);
    if (asks_async(r))
        return answer_accepted(response, a.operation);
    return wait_for_success(a.api, a.operation, response) ? answer_empty(response, 200) : true;
}
