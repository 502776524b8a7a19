/* Polling: the newest operation, whatever the request's `operation` says (OSB 2.17, Polling Last Operation). */
#include "api/handlers.h"
#include "api/versions.h"
#include "base/mem.h"

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

static bool answer(const Api *api, const Request *r, const Operation *o, Response *response, Error *err)
{
    if (!o->found)
        return error_set(err, ERR_NOT_FOUND, "no operation on such %s is known", r->ids[1] ? "a binding" : "an instance");
    if (api->gone_after_delete && o->state == OPERATION_SUCCEEDED && (o->kind == OP_DEPROVISION || o->kind == OP_UNBIND))
        return error_set(err, ERR_GONE, "%s", o->description);
    *response = (Response){.status = 200, .made = answer_text(o, r)};
    if (o->state == OPERATION_IN_PROGRESS)
        response->retry_after_seconds = o->retry_after_seconds;
    return true;
}

void last_operations(void *context, Call *const *calls, size_t n)
{
    const Api *api = context;
    LastOperation *asked = xcalloc(n, sizeof(*asked));
    for (size_t i = 0; i < n; i++)
        asked[i] = (LastOperation){.instance_id = calls[i]->request->ids[0], .binding_id = calls[i]->request->ids[1], .err = &calls[i]->err};
    store_last_operations(api->store, asked, n);
    for (size_t i = 0; i < n; i++) {
        calls[i]->ok = asked[i].ok && answer(api, calls[i]->request, &asked[i].operation, calls[i]->response, &calls[i]->err);
        operation_clear(&asked[i].operation);
    }
    free(asked);
}
