/* What provision, bind and the deletes share. */
#include "api/accept.h"

#include "base/digest.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define MAX_LABEL 63

static bool is_label(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= MAX_LABEL && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && s[0] != '-' && s[n - 1] != '-';
}

char *instance_namespace(const char *prefix, const char *id)
{
    CLEANUP_FREE char *name = xasprintf("%s-%s", prefix, id);
    if (is_label(name))
        return TAKE(name);
    CLEANUP_FREE char *hex = sha256_hex(id, strlen(id));
    return xasprintf("%s-%.32s", prefix, hex);
}

void accept_clear(Accept *a)
{
    body_clear(&a->body);
    a->tx = tx_free(a->tx);
    instance_clear(&a->instance);
    binding_clear(&a->binding);
}

bool accept_lock(Accept *a, Error *err)
{
    return store_begin(a->api->store, &a->tx, err) && store_lock_instance(a->tx, a->r->ids[0], &a->instance, err) &&
           (!a->r->ids[1] || store_find_binding(a->tx, a->r->ids[1], &a->binding, err));
}

/* A header as the database takes it: UTF-8, or nothing. */
static const char *storable(const char *header)
{
    CLEANUP_JSON json_t *valid = header ? json_string(header) : NULL;
    return valid ? header : NULL;
}

bool accept_operation(Accept *a, OperationKind kind, const Instance *plan_of, const json_t *request, Error *err)
{
    const NewOperation o = {.kind = kind, .instance_id = a->r->ids[0], .binding_id = a->r->ids[1],
                            .deadline_seconds = catalog_deadline(a->api->catalog, plan_of->service_id, plan_of->plan_id, kind), .request = request,
                            .originating_identity = storable(a->r->originating_identity),
                            .request_identity = storable(a->r->request_identity)};
    return store_insert_operation(a->tx, &o, a->operation, err) && store_commit(&a->tx, err);
}

bool accept_delete(Accept *a, const Change *change, Error *err)
{
    const char *instance_id = a->r->ids[0], *binding_id = a->r->ids[1];
    if (change->decision == DECIDE_REPEAT)
        return accept_running(a, err);
    if (change->decision == DECIDE_CANCEL &&
        !store_cancel_operation(a->tx, instance_id, binding_id, "cancelled by a delete request", err))
        return false;
    return (binding_id ? store_set_binding_state(a->tx, binding_id, change->binding, err)
                       : store_set_instance_state(a->tx, instance_id, change->instance, err)) &&
           accept_operation(a, change->kind, &a->instance, NULL, err);
}

bool accept_running(Accept *a, Error *err)
{
    CLEANUP(operation_clear) Operation o = {0};
    if (!store_last_operation_tx(a->tx, a->r->ids[0], a->r->ids[1], &o, err))
        return false;
    if (!o.found)
        return error_set(err, ERR_INTERNAL, "the running operation has no row");
    snprintf(a->operation, sizeof(a->operation), "%s", o.id);
    return true;
}

void answer_metadata(const Api *api, const Request *r, const Instance *instance, Response *response)
{
    const Plan *plan = catalog_plan(api->catalog, instance->service_id, instance->plan_id);
    if (r->minor < api->metadata_from_minor)
        return;
    if (!response->body)
        response->body = json_object();
    json_object_set_new(response->body, "metadata",
                        json_pack("{s:{s:s, s:s*, s:s*}}", "labels", "kubernetes-namespace", instance->ns, "plan", plan ? plan->name : NULL,
                                  "kafka-version", plan ? json_string_at(plan->spec, "kafka_version", NULL) : NULL));
}

bool answer_accepted(Response *response, const char *operation)
{
    *response = (Response){.status = 202, .body = json_pack("{s:s}", "operation", operation)};
    return true;
}

bool answer_empty(Response *response, int status)
{
    *response = (Response){.status = status};
    return true;
}
