/*
 * A request before any handler: framing, route, credentials, version, identities, ids, query, size, the client behind proxies, the answer.
 * Input: an HTTP/1.1 request. The header X-Answer chooses how the handler ends, X-Proxies is read as the setting trusted_proxies.
 */
#include "fake_mhd.h"

#include "api/api.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/router.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define USER "user"
#define PASSWORD "cannot-be-guessed"
#define TRUSTED "10.0.0.0/8, 127.0.0.1, fd00::/8"
#define MAX_ROUTES 32

/* The log of this target: nothing is written, but no secret may come. */
static void check_pairs(va_list args)
{
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        HOLDS(*key && (!value || !strstr(value, PASSWORD)));
    }
}

void log_set_level(LogLevel level)
{
    (void)level;
}

bool log_enabled(LogLevel level)
{
    (void)level;
    return true;
}

void log_event(LogLevel level, const char *event, ...)
{
    va_list args;
    HOLDS(level <= LOG_AUDIT && *event);
    va_start(args, event);
    check_pairs(args);
    va_end(args);
}

void log_error(const char *event, const Error *err, ...)
{
    va_list args;
    HOLDS(*event && !strstr(err->text, PASSWORD));
    va_start(args, err);
    check_pairs(args);
    va_end(args);
}

/* An id written with escapes only is found on the same route and gives the same id. */
static void check_id(const Server *s, const Request *r, size_t i)
{
    char escaped[3 * HTTP_MAX_ID + 1], again[HTTP_MAX_ID + 1];
    const char *id = r->ids[i];
    size_t n = strlen(id);
    RouteMatch match;
    Error err;
    HOLDS(n > 0 && n <= HTTP_MAX_ID && fuzz_is_utf8(id, n) && strcmp(id, ".") != 0 && strcmp(id, "..") != 0);
    for (size_t at = 0; at < n; at++) {
        HOLDS((unsigned char)id[at] >= 0x20 && id[at] != 0x7f);
        snprintf(escaped + 3 * at, 4, "%%%02X", (unsigned char)id[at]);
    }
    HOLDS(router_decode_id(escaped, 3 * n, again, &err) && strcmp(id, again) == 0);
    CLEANUP_FREE char *path = xasprintf("/v2/service_instances/%s", escaped);
    HOLDS(router_find(s->routes, "GET", path, &match) == ROUTE_FOUND && match.count == 1 && match.lengths[0] == 3 * n);
}

static void check_query(const Request *r)
{
    static const char *const names[] = {"service_id", "plan_id", "operation", "accepts_incomplete"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = request_query(r, names[i]), *again = request_query(r, names[i]);
        HOLDS((!value && !again) || (*again && strcmp(value, again) == 0));
    }
}

static bool handle(void *context, const Request *r, Response *response, Error *err)
{
    const Server *s = context;
    const Exchange *e = r->internal;
    const char *answer = request_header(r, "X-Answer");
    bool osb = e->route->check == ROUTE_OSB;
    HOLDS(osb == (r->minor >= VERSION_OLDEST_MINOR && r->minor <= 9999));
    HOLDS(osb == (r->user && strcmp(r->user, USER) == 0));
    HOLDS(strlen(r->body) <= r->body_len && r->body[r->body_len] == '\0' && r->body_len <= HTTP_MAX_BODY);
    HOLDS(!r->platform || (r->originating_identity && strncmp(r->platform, r->originating_identity, strlen(r->platform)) == 0));
    for (size_t i = 0; i < HTTP_MAX_SEGMENTS; i++)
        if (r->ids[i])
            check_id(s, r, i);
    check_query(r);
    *response = (Response){.status = 200, .body = json_pack("{s:s}", "path", fuzz_is_utf8(r->path, strlen(r->path)) ? r->path : "")};
    if (!answer || *answer < '1' || *answer > '9')
        return true;
    const char *why = request_query(r, "operation");
    return error_set(err, (ErrorKind)(*answer - '0'), "%s", why ? why : answer);
}

static void handle_group(void *context, Call *const *calls, size_t n)
{
    for (size_t i = 0; i < n; i++)
        calls[i]->ok = handle(context, calls[i]->request, calls[i]->response, &calls[i]->err);
}

/* Says the same as auth_user, the long way. */
static bool knows(const char *header)
{
    uint8_t *plain;
    size_t n;
    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return false;
    header += 6 + strspn(header + 6, " ");
    size_t word = strcspn(header, " ");
    if (header[word + strspn(header + word, " ")] || !base64_decode(header, word, &plain, &n, NULL))
        return false;
    bool same = n == strlen(USER ":" PASSWORD) && memcmp(plain, USER ":" PASSWORD, n) == 0;
    free(plain);
    return same;
}

/* What the header X-Forwarded-For cannot do: hide an untrusted hop, or name a client for an untrusted peer. */
static void check_proxies(const Server *s, const struct MHD_Connection *c, const char *forwarded, const char *list)
{
    struct in6_addr other, client;
    Proxies parsed = {0};
    Error err;
    HOLDS(inet_pton(AF_INET6, "2001:db8::1", &other) == 1);
    client = proxies_client(&s->proxies, other, forwarded);
    HOLDS(memcmp(&client, &other, sizeof(client)) == 0);
    CLEANUP_FREE char *more = xasprintf("%s, [2001:db8::1]:80 ,10.1.1.1", forwarded);
    client = proxies_client(&s->proxies, c->peer.address, more);
    HOLDS(!c->peer.trusted || memcmp(&client, &other, sizeof(client)) == 0);
    if (!proxies_parse(list, &parsed, &err))
        fuzz_check_error(&err, ERR_INVALID);
    for (size_t i = 0; i < parsed.count; i++)
        HOLDS(parsed.networks[i].bits >= 0 && parsed.networks[i].bits <= 128 && proxies_trust(&parsed, &parsed.networks[i].address));
    proxies_clear(&parsed);
}

static void check_answer(const struct MHD_Connection *c)
{
    static const int statuses[] = {200, 400, 401, 404, 405, 409, 410, 412, 413, 422, 431, 500, 501, 503};
    CLEANUP_JSON json_t *body = NULL;
    bool known = false;
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        known |= c->status == statuses[i];
    HOLDS(c->queued == 1 && known);
    HOLDS(json_parse(c->text, c->text_len, &body, NULL) && json_is_object(body));
    HOLDS(c->status == 200 || (*json_string_at(body, "error", "") && *json_string_at(body, "description", "")));
}

/* As the server calls an exchange; gives the status. */
static int exchange(Server *s, struct MHD_Connection *c, const char *body, size_t n)
{
    Exchange *e = exchange_new(s, c, c->path, c->method, c->version);
    char address[sizeof(struct in6_addr)];
    HOLDS(inet_pton(strchr(e->request.client_address, ':') ? AF_INET6 : AF_INET, e->request.client_address, address) == 1);
    HOLDS(c->peer.trusted || strcmp(e->request.client_address, c->peer.text) == 0);
    bool admitted = exchange_admit(e);
    HOLDS(admitted != e->handled);
    HOLDS(!e->route || e->route->check == ROUTE_OPEN || (e->request.user != NULL) == knows(request_header(&e->request, "Authorization")));
    if (admitted) {
        HOLDS(exchange_receive(e, body, n / 2) && exchange_receive(e, body + n / 2, n - n / 2));
        HOLDS(exchange_received(e));
        exchange_handle(&e, 1);
        HOLDS(e->request.body_len == (c->method[0] == 'P' ? n : 0) && memcmp(e->request.body, body, e->request.body_len) == 0);
    }
    HOLDS(exchange_send(e) == MHD_YES);
    exchange_end(e);
    HOLDS(atomic_load(&s->running) == 0);
    check_answer(c);
    return c->status;
}

/* With a wrong password nothing of the API answers, whatever else the request says. */
static void check_denied(Server *s, struct MHD_Connection *c, const char *body, size_t n)
{
    RouteMatch match;
    bool found = router_find(s->routes, c->method, c->path, &match) == ROUTE_FOUND;
    c->queued = 0;
    free(TAKE(c->text));
    fake_header(c, "Authorization", "Basic dXNlcjp1c2Vy");
    bool sound = framing_read(c, c->version).status == 0;
    int status = exchange(s, c, body, n);
    HOLDS(!sound || !found || match.route->check == ROUTE_OPEN || status == 401 || status == 431);
    HOLDS(sound || status == 400 || status == 501);
}

static Server *server(void)
{
    static Route routes[MAX_ROUTES];
    static Server s;
    Error err;
    if (s.routes)
        return &s;
    for (size_t i = 0; api_routes()[i].method; i++) {
        HOLDS(i + 1 < MAX_ROUTES);
        routes[i] = api_routes()[i];
        if (routes[i].group)
            routes[i].group = handle_group;
        else
            routes[i].handler = handle;
    }
    s = (Server){.routes = routes, .context = &s, .encode_error = api_encode_error};
    auth_add(&s.auth, USER, PASSWORD);
    HOLDS(proxies_parse(TRUSTED, &s.proxies, &err));
    return &s;
}

static void set_peer(struct MHD_Connection *c, const Server *s, const char *text)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_INET6};
    HOLDS(inet_pton(AF_INET6, text, &peer.sin6_addr) == 1);
    c->peer.address = address_of_peer((const struct sockaddr *)&peer);
    c->peer.trusted = proxies_trust(&s->proxies, &c->peer.address);
    address_text(&c->peer.address, c->peer.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    Server *s = server();
    struct MHD_Connection c = {0};
    Input in = {(const char *)data, n};
    size_t body_len;
    if (memmem(data, n, PASSWORD, strlen(PASSWORD)))
        return 0; /* who writes it into a path finds it in the log */
    if (fake_request(&c, &in)) {
        CLEANUP_FREE char *body = input_rest(&in, &body_len);
        const char *forwarded = MHD_lookup_connection_value(&c, MHD_HEADER_KIND, "X-Forwarded-For");
        const char *list = MHD_lookup_connection_value(&c, MHD_HEADER_KIND, "X-Proxies");
        set_peer(&c, s, body_len % 2 ? "::ffff:10.1.2.3" : "2001:db8::7");
        exchange(s, &c, body, body_len);
        check_proxies(s, &c, forwarded ? forwarded : "", list ? list : "");
        check_denied(s, &c, body, body_len);
    }
    fake_clear(&c);
    return 0;
}
