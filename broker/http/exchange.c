/* What is checked before a handler runs, in the order of the platforms' tests: framing, route, 401, 412, identity, ids, size, body. */
#include "http/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/router.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_HEADERS (16 * 1024)
#define MAX_DRAIN (64 * 1024 * 1024) /* of a body without declared length, before the connection is dropped */
#define MAX_UPLOAD_MS 30000          /* for a whole body */

static Kept *keep(Exchange *e, size_t size)
{
    Kept *k = xmalloc(sizeof(*k) + size);
    k->next = e->kept;
    e->kept = k;
    return k;
}

/* The path of an absolute-form target, which a server has to take too (RFC 9112, 3.2.2). */
static const char *origin_form(const char *target)
{
    const char *host = strncmp(target, "http://", 7) == 0 ? target + 7 : strncmp(target, "https://", 8) == 0 ? target + 8 : NULL;
    const char *path = host ? strchr(host, '/') : NULL;
    return path ? path : target;
}

static enum MHD_Result join_forwarded(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    Str *list = context;
    if (value && strcasecmp(key, "X-Forwarded-For") == 0)
        str_appendf(list, "%s%s", list->len ? "," : "", value);
    return MHD_YES;
}

/* What a trusted proxy says of the client, in however many headers; the peer's own address when it says nothing. */
static const char *client_address(Exchange *e, const Peer *peer)
{
    if (!peer->trusted || !request_header(&e->request, "X-Forwarded-For"))
        return peer->text;
    CLEANUP_STR Str list = STR_INIT;
    MHD_get_connection_values(e->connection, MHD_HEADER_KIND, join_forwarded, &list);
    struct in6_addr client = proxies_client(&e->server->proxies, peer->address, str_text(&list));
    Kept *k = keep(e, INET6_ADDRSTRLEN);
    address_text(&client, k->text);
    return k->text;
}

Exchange *exchange_new(Server *s, struct MHD_Connection *connection, const char *path, const char *method, const char *version)
{
    Exchange *e = xcalloc(1, sizeof(*e));
    e->server = s;
    e->connection = connection;
    e->started_ms = clock_ms();
    e->framing = framing_read(connection, version);
    e->request.method = method;
    e->request.path = origin_form(path);
    e->request.body = "";
    e->request.internal = e;
    e->request.originating_identity = request_header(&e->request, "X-Broker-API-Originating-Identity");
    e->request.request_identity = request_header(&e->request, "X-Broker-API-Request-Identity");
    e->peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    atomic_store(&e->peer->end.waiting_since_ms, 0);
    e->request.client_address = client_address(e, e->peer);
    atomic_fetch_add(&e->server->running, 1);
    return e;
}

/* Who asked for which change, with what outcome: one line per writing request whose sender is known. */
static void audit(const Exchange *e, const char *status, const char *ms)
{
    static const struct {
        const char *method, *of_instance, *of_binding;
    } actions[] = {{"PUT", "provision", "bind"}, {"PATCH", "update", "update"}, {"DELETE", "deprovision", "unbind"}};
    const Request *r = &e->request;
    const char *action = "other";
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (strcmp(actions[i].method, r->method) == 0)
            action = r->ids[1] ? actions[i].of_binding : actions[i].of_instance;
    log_event(LOG_AUDIT, "audit", "action", action, "instance", r->ids[0], "binding", r->ids[1], "operation",
              json_string_value(json_object_get(e->response.body, "operation")), "status", status ? status : "abandoned by the client", "refusal",
              json_string_value(json_object_get(e->response.body, "error")), "platform", r->platform, "platform_user", r->platform_user, "user",
              r->user, "client", r->client_address, "request_identity", r->request_identity, "path", r->path, "ms", ms, NULL);
}

/* Reads that went well are many (platforms poll) and tell little: they are logged at the debug level only. */
static void log_request(const Exchange *e)
{
    char status[16], ms[24];
    bool reads = strcmp(e->request.method, MHD_HTTP_METHOD_GET) == 0, audited = !reads && e->request.user;
    LogLevel level = reads && e->status == MHD_HTTP_OK ? LOG_DEBUG : LOG_INFO;
    if (!audited && !log_enabled(level))
        return;
    snprintf(status, sizeof(status), "%d", e->status);
    snprintf(ms, sizeof(ms), "%lld", (long long)(clock_ms() - e->started_ms));
    if (audited) {
        audit(e, e->status ? status : NULL, ms);
        return;
    }
    log_event(level, e->status ? "request" : "request abandoned by the client", "method", e->request.method, "path", e->request.path,
              "status", e->status ? status : NULL, "ms", ms, "client", e->request.client_address, "user", e->request.user, "request_identity", e->request.request_identity, NULL);
}

void exchange_end(Exchange *e)
{
    log_request(e);
    for (Kept *k = e->kept, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    identity_clear(&e->identity);
    json_decref(e->response.body);
    free(e->response.made);
    str_free(&e->body);
    atomic_store(&e->peer->end.waiting_since_ms, clock_ms());
    atomic_fetch_sub(&e->server->running, 1);
    free(e);
}

const char *request_header(const Request *r, const char *name)
{
    const Exchange *e = r->internal;
    return MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const Request *r, const char *name)
{
    Exchange *e = r->internal;
    const char *raw = MHD_lookup_connection_value(e->connection, MHD_GET_ARGUMENT_KIND, name);
    if (!raw || !*raw)
        return NULL;
    if (!strchr(raw, '%'))
        return raw;
    size_t n = strlen(raw), len;
    Kept *k = keep(e, n + 1);
    return percent_decode(raw, n, k->text, &len) ? k->text : NULL;
}

void exchange_refuse(Exchange *e, int status, const char *word, const char *description)
{
    e->response = (Response){.status = status,
                             .body = json_pack("{s:s, s:s}", "error", word, "description", description)};
    e->handled = true;
}

/* A message whose end is uncertain is the connection's last: what follows might be taken for another request. */
static bool message_is_sound(Exchange *e)
{
    const Framing *f = &e->framing;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (f->status == MHD_HTTP_NOT_IMPLEMENTED)
        exchange_refuse(e, f->status, "NotImplemented", f->fault);
    else if (f->status)
        exchange_refuse(e, f->status, "BadRequest", f->fault);
    else if (info->header_size > MAX_HEADERS)
        exchange_refuse(e, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "HeadersTooLarge",
                        "The request line and headers are larger than 16 KiB.");
    return !e->handled;
}

static bool find_route(Exchange *e, RouteMatch *match)
{
    switch (router_find(e->server->routes, e->request.method, e->request.path, match)) {
    case ROUTE_FOUND:
        e->route = match->route;
        return true;
    case ROUTE_WRONG_METHOD:
        exchange_refuse(e, MHD_HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowed",
                        "This path does not take this method; the Allow header lists those that it takes.");
        return false;
    case ROUTE_UNKNOWN:
        break;
    }
    exchange_refuse(e, MHD_HTTP_NOT_FOUND, "NotFound", "This path is not part of the broker's API.");
    return false;
}

static bool check_rights(Exchange *e)
{
    if (e->route->check == ROUTE_OPEN)
        return true;
    e->request.user = auth_user(&e->server->auth, request_header(&e->request, "Authorization"));
    if (!e->request.user) {
        exchange_refuse(e, MHD_HTTP_UNAUTHORIZED, "Unauthorized",
                        "The request needs HTTP Basic authentication with the broker's user name and password.");
        return false;
    }
    if (e->route->check == ROUTE_OSB &&
        !version_parse(request_header(&e->request, "X-Broker-API-Version"), &e->request.minor)) {
        exchange_refuse(e, MHD_HTTP_PRECONDITION_FAILED, "UnsupportedVersion",
                        "The X-Broker-API-Version header is missing or names a version that this broker does not serve; "
                        "send 2.17 (2.11 and newer are served).");
        return false;
    }
    return true;
}

static bool parse_identity(Exchange *e)
{
    Error err;
    if (e->route->check != ROUTE_OSB || !e->request.originating_identity)
        return true;
    if (!identity_parse(e->request.originating_identity, &e->identity, &err)) {
        exchange_refuse(e, MHD_HTTP_BAD_REQUEST, "BadRequest", err.text);
        return false;
    }
    e->request.platform = e->identity.platform;
    e->request.platform_user = e->identity.user;
    return true;
}

static bool decode_ids(Exchange *e, const RouteMatch *match)
{
    Error err;
    for (size_t i = 0; i < match->count; i++) {
        if (!router_decode_id(match->segments[i], match->lengths[i], e->ids[i], &err)) {
            exchange_refuse(e, MHD_HTTP_BAD_REQUEST, "BadRequest", err.text);
            return false;
        }
        e->request.ids[i] = e->ids[i];
    }
    return true;
}

static void refuse_size(Exchange *e)
{
    exchange_refuse(e, MHD_HTTP_CONTENT_TOO_LARGE, "BodyTooLarge", "The request body is larger than 1 MiB.");
}

bool exchange_admit(Exchange *e)
{
    RouteMatch match;
    bool fits = e->framing.length <= HTTP_MAX_BODY;
    if (!message_is_sound(e) || !find_route(e, &match) || !check_rights(e) || !parse_identity(e) || !decode_ids(e, &match))
        return false;
    if (!fits)
        refuse_size(e);
    return fits;
}

bool exchange_receive(Exchange *e, const char *data, size_t n)
{
    e->received += n;
    if (e->received > MAX_DRAIN || clock_ms() - e->started_ms > MAX_UPLOAD_MS)
        return false;
    if (e->received > HTTP_MAX_BODY)
        str_free(&e->body);
    else if (e->request.method[0] == 'P') /* GET and DELETE take no body; one that comes does no harm */
        str_append_n(&e->body, data, n);
    return true;
}

bool exchange_received(Exchange *e)
{
    e->request.body = str_text(&e->body);
    e->request.body_len = e->body.len;
    bool fits = e->received <= HTTP_MAX_BODY;
    if (!fits)
        refuse_size(e);
    return fits;
}

static void take_result(Exchange *e, bool ok, const Error *err)
{
    if (!ok) {
        json_decref(e->response.body);
        free(e->response.made);
        e->response = (Response){0};
        e->server->encode_error(e->server->context, &e->request, err, &e->response);
    }
    e->handled = true;
}

static void handle_one(Exchange *e)
{
    Error err = {0};
    bool ok = e->route->handler(e->server->context, &e->request, &e->response, &err);
    take_result(e, ok, &err);
}

void exchange_handle(Exchange *const *exchanges, size_t n)
{
    Call *calls[HTTP_MAX_GROUP] = {0};
    if (!exchanges[0]->route->group) {
        handle_one(exchanges[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        calls[i] = &exchanges[i]->call;
        *calls[i] = (Call){.request = &exchanges[i]->request, .response = &exchanges[i]->response};
    }
    exchanges[0]->route->group(exchanges[0]->server->context, calls, n);
    for (size_t i = 0; i < n; i++)
        take_result(exchanges[i], calls[i]->ok, &calls[i]->err);
}
