/* Waiting by looking at the row: no thread of the database side has to know who waits, and any broker may do the work. */
#include "api/wait.h"

#include "api/errors.h"
#include "base/clock.h"
#include "base/log.h"

#define FIRST_PAUSE_MS 5
#define LAST_PAUSE_MS 100
#define EAGER_MS 500 /* a bind on a healthy Kafka takes less; from then on the pauses grow */

static bool refuse_unfinished(Response *response)
{
    refuse(response, 504, "Timeout",
           "The operation has not ended in time and goes on; send the same request again to wait for it, or delete the binding.");
    return false;
}

static bool refuse_failed(Response *response, const Operation *o)
{
    refuse(response, 502, o->kind == OP_BIND ? "BindFailed" : "UnbindFailed", o->description);
    return false;
}

bool wait_for_success(const Api *api, const char *operation, Response *response)
{
    int64_t begun = clock_ms(), end = begun + (int64_t)api->synchronous_wait_seconds * 1000;
    for (int pause = FIRST_PAUSE_MS; clock_ms() < end && !atomic_load(&api->stopping);
         pause += pause < LAST_PAUSE_MS && clock_ms() - begun > EAGER_MS ? 5 : 0) {
        CLEANUP(operation_clear) Operation o = {0};
        Error err;
        clock_sleep_ms(pause);
        if (!store_get_operation(api->store, operation, &o, &err)) {
            log_error("waiting for an operation", &err, "operation", operation, NULL); /* the database may come back in time */
            clock_sleep_ms(LAST_PAUSE_MS);
        } else if (!o.found || o.state == OPERATION_SUCCEEDED) {
            return o.found || refuse_unfinished(response);
        } else if (o.state == OPERATION_FAILED) {
            return refuse_failed(response, &o);
        }
    }
    return refuse_unfinished(response);
}
