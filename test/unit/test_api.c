/* The API without a database: every answer that needs none, in the order of checks, and what a missing database makes of the rest. */
#include "http_peer.h"

#include "api/accept.h"
#include "api/errors.h"

#define SERVICE "6c1c3f0e-6f0a-4f3e-9f57-0f5d9c2f7a11"
#define PLAN "2a0f6a1c-7b86-4f0f-8e0b-3c1f0d7b9a03"
#define IDS "\"service_id\":\"" SERVICE "\",\"plan_id\":\"" PLAN "\""
#define PROVISION "{" IDS ",\"organization_guid\":\"o\",\"space_guid\":\"s\"%s}"
#define BIND "{" IDS "%s}"
#define INSTANCE "/v2/service_instances/i"
#define BINDING INSTANCE "/service_bindings/b"

typedef struct World {
    Server *server; /* first: http_peer.h takes a World for its server */
    Store *store;
    Catalog *catalog;
    Api api;
} World;

static int start_api(void **state)
{
    Error err;
    World *w = xcalloc(1, sizeof(*w));
    if (!store_open("host=/nonexistent dbname=x connect_timeout=2", 2, 1000, &w->store, &err) || !catalog_load("catalog", NULL, NULL, &w->catalog, NULL))
        return -1;
    w->api.store = w->store;
    w->api.catalog = w->catalog;
    w->api.namespace_prefix = "cp";
    w->api.synchronous_wait_seconds = 1;
    const ServerOptions o = {.address = "127.0.0.1", .threads = 2, .routes = api_routes(), .context = &w->api, .encode_error = api_encode_error,
                             .username = "user", .password = "secret"};
    if (!server_start(&o, &w->server, &err))
        return -1;
    *state = w;
    return 0;
}

static int stop_api(void **state)
{
    World *w = *state;
    server_stop(w->server, 100);
    catalog_free(w->catalog);
    store_close(w->store);
    free(w);
    return 0;
}

static void request(void **state, const char *line, const char *headers, const char *body, int status, const char *part)
{
    World *w = *state;
    void *server = w->server;
    CLEANUP_FREE char *text = xasprintf("%s HTTP/1.1\r\n" HEAD "%sContent-Length: %zu\r\n\r\n%s", line, headers, strlen(body), body);
    expect(&server, text, status, part);
}

static void put_json(void **state, const char *line, const char *body, int status, const char *part)
{
    request(state, line, "Content-Type: application/json; charset=utf-8\r\n", body, status, part);
}

static void test_catalog(void **state)
{
    World *w = *state;
    void *server = w->server;
    CLEANUP_FREE char *first = ask(&server, "GET /v2/catalog HTTP/1.1\r\n" HEAD "\r\n");
    assert_int_equal(status_of(first), 200);
    const char *etag = strstr(first, "ETag: \"");
    assert_non_null(etag);
    CLEANUP_FREE char *tag = xstrndup(etag + 6, 34);
    CLEANUP_FREE char *conditional = xasprintf("If-None-Match: W/\"x\", %s\r\n", tag);
    request(state, "GET /v2/catalog", conditional, "", 304, tag);
    request(state, "GET /v2/catalog", "If-None-Match: \"other\"\r\n", "", 200, "\"services\":[{");
    expect(&server, "GET /v2/catalog HTTP/1.1\r\nHost: x\r\n" AUTH "X-Broker-API-Version: 2.11\r\n\r\n", 200, "\"services\"");
    CLEANUP_FREE char *old = ask(&server, "GET /v2/catalog HTTP/1.1\r\nHost: x\r\n" AUTH "X-Broker-API-Version: 2.13\r\n\r\n");
    assert_null(strstr(old, tag)); /* another text, another tag */
    assert_null(strstr(old, "maximum_polling_duration"));
}

static void test_bodies(void **state)
{
    static const struct {
        const char *body, *part;
    } rows[] = {{"", "no body"},
                {"[]", "must be a JSON object"},
                {"null", "must be a JSON object"},
                {"{", "line 1"},
                {"{\"service_id\":\"\xff\"}", "not valid JSON"},
                {"{\"service_id\":1}", "service_id must be a string"},
                {"{}", "service_id is missing"},
                {"{\"service_id\":null}", "service_id is missing"},
                {"{\"service_id\":\"\"}", "service_id is missing"},
                {"{\"service_id\":\"a\",\"service_id\":\"b\"}", "not valid JSON"},
                {"{\"service_id\":\"x\",\"plan_id\":\"y\",\"organization_guid\":\"\",\"space_guid\":\"s\"}", "organization_guid is missing"},
                {"{\"service_id\":\"x\",\"plan_id\":\"y\",\"organization_guid\":\"o\"}", "space_guid is missing"},
                {"{\"service_id\":\"x\",\"plan_id\":\"y\",\"organization_guid\":\"o\",\"space_guid\":\"s\"}", "service_id does not name"},
                {"{\"service_id\":\"" SERVICE "\",\"plan_id\":\"y\",\"organization_guid\":\"o\",\"space_guid\":\"s\"}", "plan_id does not name"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        put_json(state, "PUT " INSTANCE "?accepts_incomplete=true", rows[i].body, 400, rows[i].part);
    static const char *const wrong[] = {",\"parameters\":[]", ",\"parameters\":\"x\"", ",\"context\":\"x\"", ",\"maintenance_info\":1",
                                        ",\"maintenance_info\":{\"version\":2}"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        CLEANUP_FREE char *body = xasprintf(PROVISION, wrong[i]);
        put_json(state, "PUT " INSTANCE "?accepts_incomplete=true", body, 400, " must be ");
    }
    request(state, "PUT " INSTANCE, "Content-Type: text/plain\r\n", "{}", 400, "application/json");
    char *deep = xcalloc(1, 1000001);
    memset(deep, '[', 1000000);
    put_json(state, "PUT " INSTANCE, deep, 400, NULL);
    free(deep);
}

static void test_bind_bodies(void **state)
{
    static const char *const wrong[] = {",\"app_guid\":5", ",\"bind_resource\":[]", ",\"bind_resource\":{\"app_guid\":{}}", ",\"parameters\":1",
                                        ",\"predecessor_binding_id\":5"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        CLEANUP_FREE char *body = xasprintf(BIND, wrong[i]);
        put_json(state, "PUT " BINDING, body, 400, "\"BadRequest\"");
    }
    put_json(state, "PUT " BINDING, "{\"plan_id\":\"p\"}", 400, "service_id is missing");
    put_json(state, "PATCH " INSTANCE, "{\"service_id\":\"nobody\"}", 400, "service_id does not name");
    put_json(state, "PATCH " INSTANCE, "{\"service_id\":\"" SERVICE "\",\"plan_id\":\"y\"}", 400, "plan_id does not name");
    put_json(state, "PATCH " INSTANCE, "{\"service_id\":\"" SERVICE "\",\"previous_values\":5}", 400, "previous_values must be an object");
}

static void test_deletes(void **state)
{
    static const char *const queries[] = {"", "?service_id=x", "?plan_id=x", "?service_id=&plan_id=x", "?service_id&plan_id=x"};
    for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
        CLEANUP_FREE char *line = xasprintf("DELETE " INSTANCE "%s", queries[i]);
        request(state, line, "", "", 400, "is missing");
    }
    static const char *const sync[] = {"", "&accepts_incomplete", "&accepts_incomplete=", "&accepts_incomplete=false", "&accepts_incomplete=1",
                                       "&accepts_incomplete=TRUE"};
    for (size_t i = 0; i < ARRAY_SIZE(sync); i++) {
        CLEANUP_FREE char *line = xasprintf("DELETE " INSTANCE "?service_id=x&plan_id=y%s", sync[i]);
        request(state, line, "", "", 422,
                "{\"error\":\"AsyncRequired\",\"description\":\"This service plan requires client support for asynchronous service operations.\"}");
    }
}

/* Everything else needs the database: 503 with advice, no word about where it is. */
static void test_database_away(void **state)
{
    CLEANUP_FREE char *provision = xasprintf(PROVISION, ",\"parameters\":{},\"context\":null,\"x-foo\":1,\"maintenance_info\":{}");
    CLEANUP_FREE char *bind = xasprintf(BIND, ",\"app_guid\":\"\",\"bind_resource\":{\"app_guid\":\"\"},\"parameters\":null");
    put_json(state, "PUT " INSTANCE "?accepts_incomplete=true", provision, 503, "Retry-After: 5\r\n");
    request(state, "PUT " INSTANCE "?accepts_incomplete=true", "", provision, 503, "\"ServiceUnavailable\"");
    put_json(state, "PUT " BINDING, bind, 503, "Retry-After: ");
    put_json(state, "PATCH " INSTANCE, "{\"service_id\":\"" SERVICE "\"}", 503, NULL);
    request(state, "GET " INSTANCE, "", "", 503, "Retry-After: ");
    request(state, "GET " BINDING, "", "", 503, NULL);
    request(state, "DELETE " INSTANCE "?service_id=x&plan_id=y&accepts_incomplete=true", "", "", 503, NULL);
    request(state, "DELETE " BINDING, "", "", 503, NULL);
    request(state, "GET " INSTANCE "/last_operation", "", "", 503, NULL);
    request(state, "GET " BINDING "/last_operation?operation=%zz", "", "", 503, NULL);
    World *w = *state;
    void *server = w->server;
    CLEANUP_FREE char *body = ask(&server, "GET " INSTANCE " HTTP/1.1\r\n" HEAD "\r\n");
    assert_null(strstr(body, "nonexistent"));
}

static void test_probes(void **state)
{
    World *w = *state;
    void *server = w->server;
    expect(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, "{\"status\":\"ok\"}");
    expect(&server, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 503, "the database is away");
    atomic_store(&w->api.stopping, true);
    expect(&server, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 503, "stopping");
    expect(&server, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    atomic_store(&w->api.stopping, false);
}

static void test_errors(void **state)
{
    static const struct {
        ErrorKind kind;
        int status;
        const char *word, *description;
    } rows[] = {{ERR_INVALID, 400, "BadRequest", "The thing."},
                {ERR_NOT_FOUND, 404, "NotFound", "The thing."},
                {ERR_CONFLICT, 409, "Conflict", "The thing."},
                {ERR_GONE, 410, "Gone", "The thing."},
                {ERR_BUSY, 422, "ConcurrencyError", "The Service Broker does not support concurrent requests that mutate the same resource."},
                {ERR_RETRY, 503, "ServiceUnavailable", NULL},
                {ERR_DENIED, 500, "InternalError", NULL},
                {ERR_INTERNAL, 500, "InternalError", NULL}};
    (void)state;
    const Request r = {.method = "GET", .path = "/"};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        Response response = {0};
        const Error err = {.kind = rows[i].kind, .text = "the thing", .retry_after_seconds = 9};
        api_encode_error(NULL, &r, &err, &response);
        assert_int_equal(response.status, rows[i].status);
        assert_string_equal(json_string_at(response.body, "error", ""), rows[i].word);
        const char *description = json_string_at(response.body, "description", "");
        if (rows[i].description)
            assert_string_equal(description, rows[i].description);
        else
            assert_null(strstr(description, "thing")); /* inner texts are for the log */
        assert_int_equal(response.retry_after_seconds, rows[i].kind == ERR_RETRY ? 9 : 0);
        json_decref(response.body);
    }
    Response response = {0};
    assert_true(refuse(&response, 400, "X", "caf\xc3\xa9 \xc3")); /* cut inside a character */
    assert_string_equal(json_string_at(response.body, "description", ""), "caf\xc3\xa9 ");
    json_decref(response.body);
}

static void test_namespaces(void **state)
{
    (void)state;
    static const struct {
        const char *id, *ns;
    } rows[] = {{"4f6a7f0e-0d5b-4c55-9a43-0a1c8a6de1f0", "cp-4f6a7f0e-0d5b-4c55-9a43-0a1c8a6de1f0"},
                {"a", "cp-a"},
                {"A", "cp-559aead08264d5795d3909718cdd05ab"},
                {"a b/c", NULL},
                {"a-", NULL},
                {"..x", NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *ns = instance_namespace("cp", rows[i].id);
        CLEANUP_FREE char *again = instance_namespace("cp", rows[i].id);
        assert_string_equal(ns, again);
        if (i < 3)
            assert_string_equal(ns, rows[i].ns);
        else
            assert_int_equal(strlen(ns), 3 + 32);
        assert_int_equal(strspn(ns, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(ns));
    }
    char longest[70] = "";
    memset(longest, 'x', 60);
    CLEANUP_FREE char *whole = instance_namespace("cp", longest);
    assert_int_equal(strlen(whole), 63);
    longest[60] = 'x';
    CLEANUP_FREE char *hashed = instance_namespace("cp", longest);
    assert_int_equal(strlen(hashed), 3 + 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog), cmocka_unit_test(test_bodies), cmocka_unit_test(test_bind_bodies),
        cmocka_unit_test(test_deletes), cmocka_unit_test(test_database_away), cmocka_unit_test(test_probes),
        cmocka_unit_test(test_errors),  cmocka_unit_test(test_namespaces),
    };
    log_set_level((LogLevel)(LOG_ERROR + 1));
    return cmocka_run_group_tests(tests, start_api, stop_api);
}
