/* Service bindings: bind, fetch, unbind (OSB 2.17, sections of these names). Synchronous and asynchronous requests start the same operation. */
#include "api/accept.h"
#include "api/credentials.h"
#include "api/handlers.h"
#include "api/wait.h"

static bool same_binding(const Binding *known, const Request *r, const Body *b)
{
    if (known->state == BINDING_ABSENT || !same_text(known->instance_id, r->ids[0]) || !same_text(known->predecessor_id, b->predecessor_binding_id) ||
        !same_text(known->service_id, b->service_id) || !same_text(known->plan_id, b->plan_id))
        return false;
    bool rotates = b->predecessor_binding_id; /* what it leaves out is its predecessor's */
    return ((rotates && !b->app_guid) || same_text(known->app_guid, b->app_guid)) &&
           ((rotates && !b->parameters) || same_object(known->parameters, b->parameters));
}

/* What a rotation takes over (OSB 2.17, Binding Rotation); `old` is the caller's and holds what the body then borrows. */
static bool take_predecessor(Accept *a, Binding *old, Error *err)
{
    Body *b = &a->body;
    if (!store_find_binding(a->tx, b->predecessor_binding_id, old, err))
        return false;
    if (old->state == BINDING_ABSENT || !same_text(old->instance_id, a->r->ids[0]))
        return error_set(err, ERR_INVALID, "predecessor_binding_id does not name a binding of this instance");
    if (old->state != BINDING_READY || old->expired)
        return error_set(err, ERR_INVALID, "the binding that predecessor_binding_id names %s; make a new binding instead of a rotation",
                         old->expired ? "has expired" : "is not usable");
    if (b->parameters && !same_object(b->parameters, old->parameters))
        return error_set(err, ERR_INVALID, "a rotation takes over the parameters of its predecessor; leave `parameters` out");
    b->parameters = old->parameters;
    if (!b->app_guid)
        b->app_guid = old->app_guid;
    return true;
}

static bool check_new(const Accept *a, const Plan *plan, Error *err)
{
    if (!plan->bindable)
        return error_set(err, ERR_INVALID, "this plan is not bindable");
    if (!same_text(a->instance.service_id, a->body.service_id) || !same_text(a->instance.plan_id, a->body.plan_id))
        return error_set(err, ERR_INVALID, "service_id and plan_id are not those of the instance");
    return a->body.predecessor_binding_id || body_parameters_fit(&a->body, plan->schemas[PARAMETERS_BIND], err);
}

static bool bind_new(Accept *a, const Plan *plan, Error *err)
{
    const Body *b = &a->body;
    int lifetime = (int)json_int_at(b->parameters, "lifetime_seconds", plan->lifetime_seconds);
    int renew = lifetime == plan->lifetime_seconds ? plan->renew_seconds : lifetime / 10;
    /* The insert only reads. */
    const Binding new = {.state = BINDING_CREATING, .id = (char *)a->r->ids[1], .instance_id = (char *)a->r->ids[0],
                         .service_id = (char *)b->service_id, .plan_id = (char *)b->plan_id, .app_guid = (char *)b->app_guid,
                         .parameters = b->parameters, .context = b->context, .predecessor_id = (char *)b->predecessor_binding_id};
    return store_insert_binding(a->tx, &new, lifetime, renew, err) && accept_operation(a, OP_BIND, &a->instance, NULL, err);
}

/* A rotation may leave service_id and plan_id out: they are the instance's. */
static bool complete_ids(Accept *a, const Plan **plan, Error *err)
{
    Body *b = &a->body;
    if (a->instance.state == INSTANCE_ABSENT)
        return error_set(err, ERR_NOT_FOUND, "no such instance");
    if (!b->service_id)
        b->service_id = a->instance.service_id;
    if (!b->plan_id)
        b->plan_id = a->instance.plan_id;
    *plan = catalog_plan(a->api->catalog, b->service_id, b->plan_id);
    if (!*plan)
        return error_set(err, ERR_INVALID, "the plan of this instance is no longer in the catalog");
    if (!b->predecessor_binding_id)
        body_fill(b, (*plan)->schemas[PARAMETERS_BIND]);
    return true;
}

bool binding_put(void *context, const Request *r, Response *response, Error *err)
{
    CLEANUP(binding_clear) Binding old = {0};
    CLEANUP(accept_clear) Accept a = {.api = context, .r = r};
    const Plan *plan;
    Change change;
    if (!body_decode(r, BODY_BIND, &a.body, err) || !body_plan(&a.body, a.api->catalog, &plan, err) || !accept_lock(&a, err) ||
        !complete_ids(&a, &plan, err))
        return false;
    const Now now = {.instance = a.instance.state, .binding = a.binding.state, .same = same_binding(&a.binding, r, &a.body)};
    if (!lifecycle_decide(&now, ASK_BIND, &change, err))
        return false;
    bool new = change.decision == DECIDE_START;
    if (new && a.body.predecessor_binding_id && !take_predecessor(&a, &old, err))
        return false;
    if (new && (!check_new(&a, plan, err) || !bind_new(&a, plan, err)))
        return false;
    if (change.decision == DECIDE_REPEAT && !accept_running(&a, err))
        return false;
    a.tx = tx_free(a.tx); /* the connection is not kept while the request waits */
    if (change.decision != DECIDE_DONE && asks_async(r))
        return answer_accepted(response, a.operation);
    if (change.decision != DECIDE_DONE && !wait_for_success(a.api, a.operation, response))
        return true;
    CLEANUP(binding_clear) Binding made = {0};
    return (store_get_binding(a.api->store, r->ids[0], r->ids[1], &made, err) && answer_credentials(a.api, r, &made, new ? 201 : 200, response, err)) ||
           (err->kind == ERR_NOT_FOUND && error_set(err, ERR_BUSY, "the binding of this id has been deleted meanwhile"));
}

bool binding_get(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    CLEANUP(binding_clear) Binding known = {0};
    if (!store_get_binding(api->store, r->ids[0], r->ids[1], &known, err))
        return false;
    if (known.state != BINDING_READY)
        return error_set(err, ERR_NOT_FOUND, known.state == BINDING_ABSENT ? "the instance has no such binding" : "the binding is not usable");
    if (!answer_credentials(api, r, &known, 200, response, err))
        return false;
    if (json_object_size(known.parameters) > 0)
        json_object_set(response->body, "parameters", known.parameters);
    return true;
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
