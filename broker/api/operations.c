/* Polling: the newest operation, whatever the request's `operation` says (OSB 2.17, Polling Last Operation). */
#include "api/handlers.h"

/* After a deprovision that failed half-way nobody should rely on the instance; the member is unknown before 2.16. */
static bool tells_unusable(const Operation *o, const Request *r)
{
    return r->minor >= 16 && o->kind == OP_DEPROVISION && o->state == OPERATION_FAILED;
}

static bool last_operation(const Api *api, const Request *r, const char *binding_id, Response *response, Error *err)
{
    CLEANUP(operation_clear) Operation o = {0};
    if (!store_last_operation(api->store, r->ids[0], binding_id, &o, err))
        return false;
    if (!o.found)
        return error_set(err, ERR_NOT_FOUND, "no operation on such %s is known", binding_id ? "a binding" : "an instance");
    *response = (Response){.status = 200, .body = json_pack("{s:s, s:s}", "state", operation_state_name(o.state), "description", o.description)};
    if (o.state == OPERATION_IN_PROGRESS)
        response->retry_after_seconds = o.retry_after_seconds;
    if (tells_unusable(&o, r))
        json_object_set_new(response->body, "instance_usable", json_false());
    return true;
}

bool instance_last_operation(void *context, const Request *r, Response *response, Error *err)
{
    return last_operation(context, r, NULL, response, err);
}

bool binding_last_operation(void *context, const Request *r, Response *response, Error *err)
{
    return last_operation(context, r, r->ids[1], response, err);
}
