/* One taxonomy of errors to statuses, codes and texts. */
#include "api/errors.h"

#include "base/digest.h"
#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RETRY_SECONDS 5

/* Clients compare these two sentences byte for byte (OSB 2.13 and its client libraries). */
#define ASYNC_REQUIRED "This service plan requires client support for asynchronous service operations."
#define CONCURRENCY "The Service Broker does not support concurrent requests that mutate the same resource."

/* A text as JSON; when it was cut inside a character, without that one. */
static json_t *whole_characters(const char *text)
{
    size_t n = strlen(text);
    for (size_t cut = 0; cut < 4 && cut < n; cut++) {
        json_t *s = json_stringn(text, n - cut);
        if (s)
            return s;
    }
    return json_string("The request cannot be carried out.");
}

bool refuse(Response *response, int status, const char *word, const char *description)
{
    json_decref(response->body);
    *response = (Response){.status = status, .body = json_pack("{s:s, s:o}", "error", word, "description", whole_characters(description))};
    return true;
}

bool refuse_synchronous(Response *response)
{
    return refuse(response, 422, "AsyncRequired", ASYNC_REQUIRED);
}

bool refuse_maintenance(Response *response)
{
    return refuse(response, 422, "MaintenanceInfoConflict",
                  "The version in maintenance_info is not that of this plan in the catalog; update the platform's copy of the catalog, then try again.");
}

/* "no such instance" to "No such instance."; a name at the beginning, such as service_id or parameters.x, stays as it is. */
static void sentence(const char *text, char *out, size_t size)
{
    size_t n = strlen(text);
    snprintf(out, size, "%s%s", text, n && !strchr(".!?", text[n - 1]) ? "." : "");
    if (strchr(" ,:;", text[strspn(text, "abcdefghijklmnopqrstuvwxyz'-")]))
        out[0] = (char)toupper((unsigned char)out[0]);
}

/* What went wrong inside is for the log; the platform's user gets the id to look for. */
static void refuse_internal(const Request *r, const Error *err, Response *response)
{
    char id[37], text[256];
    random_uuid(id);
    log_error("request failed", err, "method", r->method, "path", r->path, "incident", id, "request_identity", r->request_identity, NULL);
    if (err->kind == ERR_RETRY || err->kind == ERR_LOST) {
        refuse(response, 503, "ServiceUnavailable", "The broker's database is away or overloaded; send the request again later.");
        response->retry_after_seconds = err->retry_after_seconds > 0 ? err->retry_after_seconds : RETRY_SECONDS;
        return;
    }
    snprintf(text, sizeof(text), "The broker cannot carry out the request because of an error of its own; its log tells more under incident %s.", id);
    refuse(response, 500, "InternalError", text);
}

void api_encode_error(void *context, const Request *request, const Error *err, Response *response)
{
    static const struct {
        ErrorKind kind;
        int status;
        const char *word, *description;
    } rows[] = {
        {ERR_INVALID, 400, "BadRequest", NULL},
        {ERR_NOT_FOUND, 404, "NotFound", NULL},
        {ERR_CONFLICT, 409, "Conflict", NULL},
        {ERR_GONE, 410, "Gone", NULL},
        {ERR_BUSY, 422, "ConcurrencyError", CONCURRENCY},
    };
    (void)context;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[sizeof(err->text) + 2];
        if (rows[i].kind != err->kind)
            continue;
        sentence(err->text, text, sizeof(text));
        refuse(response, rows[i].status, rows[i].word, rows[i].description ? rows[i].description : text);
        return;
    }
    refuse_internal(request, err, response);
}
