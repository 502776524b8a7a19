/* Probes: the process lives; requests can be served. */
#include "api/handlers.h"

#include "base/log.h"

bool health_live(void *context, const Request *r, Response *response, Error *err)
{
    static const char text[] = "{\"status\":\"ok\"}";
    (void)context;
    (void)r;
    (void)err;
    *response = (Response){.status = 200, .text = text, .text_len = sizeof(text) - 1};
    return true;
}

bool health_ready(void *context, const Request *r, Response *response, Error *err)
{
    const Api *api = context;
    const char *reason = NULL;
    (void)r;
    Error why = {0};
    (void)err;
    if (atomic_load(&api->stopping)) {
        reason = "the broker is stopping";
    } else if (!store_ready(api->store, &why)) {
        log_error("not ready", &why, NULL); /* the whole text may name hosts; anybody may ask here */
        reason = why.kind == ERR_RETRY ? "the database is away" : "the database's schema does not fit; run `cpbroker migrate`";
    }
    *response = (Response){.status = reason ? 503 : 200,
                           .body = json_pack("{s:s, s:s*}", "status", reason ? "not ready" : "ready", "reason", reason)};
    return true;
}
