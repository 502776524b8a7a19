/* Polling: the newest operation, whatever the request's `operation` says (OSB 2.17, Polling Last Operation). */
#include "api/handlers.h"
#include "api/versions.h"

/* After a deprovision that failed half-way nobody should rely on the instance; a failed update leaves it as it was. */
static void add_outlook(const Operation *o, const Request *r, Str *out)
{
    if (r->minor < MINOR_WITH_OUTLOOK || o->state != OPERATION_FAILED || (o->kind != OP_DEPROVISION && o->kind != OP_UPDATE))
        return;
    str_append(out, o->kind == OP_UPDATE ? ",\"instance_usable\":true" : ",\"instance_usable\":false");
    if (o->kind == OP_UPDATE)
        str_appendf(out, ",\"update_repeatable\":%s", o->update_repeatable ? "true" : "false");
}

/* The most frequent answer by far, so written without a tree. */
static char *answer_text(const Operation *o, const Request *r)
{
    Str out = STR_INIT;
    str_append(&out, "{\"state\":\"");
    str_append(&out, operation_state_name(o->state));
    str_append(&out, "\",\"description\":");
    str_append_json(&out, o->description);
    add_outlook(o, r, &out);
    str_append_char(&out, '}');
    return str_take(&out);
}

static bool last_operation(const Api *api, const Request *r, const char *binding_id, Response *response, Error *err)
{
    CLEANUP(operation_clear) Operation o = {0};
    if (!store_last_operation(api->store, r->ids[0], binding_id, &o, err))
        return false;
    if (!o.found)
        return error_set(err, ERR_NOT_FOUND, "no operation on such %s is known", binding_id ? "a binding" : "an instance");
    if (api->gone_after_delete && o.state == OPERATION_SUCCEEDED && (o.kind == OP_DEPROVISION || o.kind == OP_UNBIND))
        return error_set(err, ERR_GONE, "%s", o.description);
    *response = (Response){.status = 200, .made = answer_text(&o, r)};
    if (o.state == OPERATION_IN_PROGRESS)
        response->retry_after_seconds = o.retry_after_seconds;
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
