/* From a Response to libmicrohttpd's: body, headers, what happens to the connection. */
#include "http/exchange.h"

#include "base/mem.h"
#include "http/router.h"

#include <stdio.h>
#include <string.h>

#define MAX_ECHO 4096 /* bytes of a request identity that are given back */

static void free_body(void *text)
{
    secret_string_free(text);
}

static struct MHD_Response *make_body(Response *r)
{
    if (r->status == MHD_HTTP_NOT_MODIFIED)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (r->text)
        return MHD_create_response_from_buffer(r->text_len, (void *)r->text, MHD_RESPMEM_PERSISTENT);
    if (r->made) {
        char *made = TAKE(r->made);
        return MHD_create_response_from_buffer_with_free_callback(strlen(made), made, free);
    }
    if (!r->body)
        return MHD_create_response_from_buffer(2, (void *)"{}", MHD_RESPMEM_PERSISTENT);
    char *text = json_text(r->body);
    return MHD_create_response_from_buffer_with_free_callback(strlen(text), text, free_body);
}

static void add_headers(const Exchange *e, struct MHD_Response *out)
{
    const Response *r = &e->response;
    char text[128];
    if (r->status != MHD_HTTP_NOT_MODIFIED)
        MHD_add_response_header(out, "Content-Type", r->content_type ? r->content_type : "application/json");
    if (r->etag)
        MHD_add_response_header(out, "ETag", r->etag);
    if (r->retry_after_seconds > 0) {
        snprintf(text, sizeof(text), "%d", r->retry_after_seconds);
        MHD_add_response_header(out, "Retry-After", text);
    }
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(out, "WWW-Authenticate", "Basic realm=\"cpbroker\", charset=\"UTF-8\"");
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        router_allow(e->server->routes, e->request.path, text, sizeof(text));
        MHD_add_response_header(out, "Allow", text);
    }
    const char *identity = e->request.request_identity;
    if (identity && strlen(identity) <= MAX_ECHO)
        MHD_add_response_header(out, "X-Broker-API-Request-Identity", identity);
    bool unread = e->framing.has_body && e->received == 0;
    if (unread || atomic_load(&e->server->stopping))
        MHD_add_response_header(out, "Connection", "close");
}

enum MHD_Result exchange_send(Exchange *e)
{
    struct MHD_Response *out = make_body(&e->response);
    if (!out)
        return MHD_NO;
    add_headers(e, out);
    enum MHD_Result queued = MHD_queue_response(e->connection, (unsigned)e->response.status, out);
    MHD_destroy_response(out);
    if (queued == MHD_YES)
        e->status = e->response.status;
    return queued;
}
