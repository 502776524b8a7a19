/* Expired bindings are revoked by the broker itself; ended operations are forgotten after a time. */
#include "jobs/upkeep.h"

#include "base/log.h"
#include "domain/lifecycle.h"

#include <string.h>

#define EXPIRED_MAX 100 /* in one go */

/* Decides again under the instance's lock: the platform, or another broker, may have been first. */
static bool revoke(const JobSettings *s, const BindingRef *ref, Error *err)
{
    CLEANUP(tx_free) Tx *tx = NULL;
    CLEANUP(instance_clear) Instance i = {0};
    CLEANUP(binding_clear) Binding b = {0};
    Change change;
    char id[37];
    if (!store_begin(s->store, &tx, err) || !store_lock_instance(tx, ref->instance_id, &i, err) || !store_find_binding(tx, ref->binding_id, &b, err))
        return false;
    const Now now = {.instance = i.state, .binding = b.state};
    if (b.state != BINDING_READY || !b.expired || strcmp(b.instance_id, ref->instance_id) != 0 || !lifecycle_decide(&now, ASK_UNBIND, &change, NULL))
        return true;
    const NewOperation o = {.kind = change.kind, .instance_id = ref->instance_id, .binding_id = ref->binding_id,
                            .deadline_seconds = catalog_deadline(s->catalog, b.service_id, b.plan_id, change.kind)};
    if (!store_set_binding_state(tx, ref->binding_id, change.binding, err) || !store_insert_operation(tx, &o, id, err) || !store_commit(&tx, err))
        return false;
    log_event(LOG_AUDIT, "audit", "action", "expire", "instance", ref->instance_id, "binding", ref->binding_id, "operation", id, NULL);
    return true;
}

void upkeep(const JobSettings *settings)
{
    BindingRef *expired = NULL;
    size_t count = 0;
    int pruned = 0;
    Error err;
    if (!store_expired_bindings(settings->store, EXPIRED_MAX, &expired, &count, &err)) {
        log_error("expired bindings not looked for", &err, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!revoke(settings, &expired[i], &err))
            log_error("expired binding not revoked yet", &err, "instance", expired[i].instance_id, "binding", expired[i].binding_id, NULL);
    store_free_bindings(expired, count);
    if (!store_prune(settings->store, settings->operation_retention_days, &pruned, &err))
        log_error("old operations not forgotten yet", &err, NULL);
}
