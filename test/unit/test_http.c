/* The server over real sockets: what it refuses when, what it lets through, and that answers arrive. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
#define VERSION "X-Broker-API-Version: 2.17\r\n"
#define HEAD "Host: x\r\n" AUTH VERSION

static bool echo(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)err;
    const char *q = request_query(r, "q");
    response->status = 200;
    response->body = json_pack("{s:s, s:I, s:i, s:s?, s:s?}", "id", r->ids[0] ? r->ids[0] : "", "length", (json_int_t)r->body_len, "minor",
                               r->minor, "q", q, "body", r->body_len < 100 ? r->body : NULL);
    return true;
}

static bool refuse(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)r;
    response->body = json_object(); /* half a response, which the server has to drop */
    return error_set(err, ERR_CONFLICT, "no");
}

static bool prepared(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)err;
    const char *have = request_header(r, "If-None-Match");
    *response = (Response){.status = have && strcmp(have, "\"1\"") == 0 ? 304 : 200, .text = "{\"a\":1}", .text_len = 7, .etag = "\"1\""};
    return true;
}

static bool sleepy(void *context, const Request *r, Response *response, Error *err)
{
    (void)context;
    (void)r;
    (void)err;
    clock_sleep_ms(600);
    response->status = 201;
    response->retry_after_seconds = 7;
    return true;
}

static void encode(void *context, const Request *r, const Error *err, Response *response)
{
    (void)context;
    (void)r;
    response->status = err->kind == ERR_CONFLICT ? 409 : 500;
    response->body = json_pack("{s:s}", "description", err->text);
}

static const Route routes[] = {
    {"GET", "/open", ROUTE_OPEN, prepared, false},
    {"GET", "/basic", ROUTE_BASIC, echo, false},
    {"GET", "/v2/:id", ROUTE_OSB, echo, false},
    {"PUT", "/v2/:id", ROUTE_OSB, echo, false},
    {"PATCH", "/v2/:id", ROUTE_OSB, echo, false},
    {"DELETE", "/v2/:id", ROUTE_OSB, echo, false},
    {"GET", "/v2/:id/fail", ROUTE_OSB, refuse, false},
    {"PUT", "/v2/:id/sleepy", ROUTE_OSB, sleepy, true},
    {0},
};

static int start(void **state)
{
    Error err;
    Server *s;
    ServerOptions o = {.address = "127.0.0.1", .threads = 2, .routes = routes, .encode_error = encode, .username = "user", .password = "secret"};
    if (!server_start(&o, &s, &err))
        return -1;
    *state = s;
    return 0;
}

static int stop(void **state)
{
    server_stop(*state, 1000);
    return 0;
}

static int dial(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(*state)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void put(int fd, const char *text, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t sent = send(fd, text + done, n - done, MSG_NOSIGNAL);
        assert_true(sent > 0);
        done += (size_t)sent;
    }
}

/* Reads one whole response (headers and Content-Length bytes); "" when the server closed or 3 s passed. */
static char *get(int fd)
{
    Str in = STR_INIT;
    for (size_t wanted = 0; !wanted || in.len < wanted;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char piece[4096];
        ssize_t got = poll(&p, 1, 3000) == 1 ? recv(fd, piece, sizeof(piece), 0) : 0;
        if (got <= 0)
            break;
        str_append_n(&in, piece, (size_t)got);
        const char *end = strstr(str_text(&in), "\r\n\r\n");
        if (end && strncmp(str_text(&in), "HTTP/1.1 100", 12) == 0)
            break;
        const char *length = strcasestr(str_text(&in), "\r\nContent-Length: ");
        if (end)
            wanted = (size_t)(end - in.data) + 4 + (length ? strtoul(length + 18, NULL, 10) : 0);
    }
    return str_take(&in);
}

static int status_of(const char *response)
{
    return strncmp(response, "HTTP/1.1 ", 9) == 0 ? (int)strtol(response + 9, NULL, 10) : 0;
}

static char *ask(void **state, const char *text)
{
    int fd = dial(state);
    put(fd, text, strlen(text));
    char *response = get(fd);
    close(fd);
    return response;
}

static void expect(void **state, const char *request, int status, const char *part)
{
    CLEANUP_FREE char *response = ask(state, request);
    if (status_of(response) != status || (part && !strstr(response, part)))
        fail_msg("%.60s… wanted %d with %s, got:\n%s", request, status, part ? part : "anything", response);
    const char *body = strstr(response, "\r\n\r\n");
    Error err;
    CLEANUP_JSON json_t *json = NULL;
    if (status != 304)
        assert_true(body && json_parse(body + 4, strlen(body + 4), &json, &err) && json_is_object(json));
}

static void test_order(void **state)
{
    expect(state, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, "application/json");
    expect(state, "GET /v2/a/ HTTP/1.1\r\n" HEAD "\r\n", 404, NULL);
    expect(state, "POST /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 0\r\n\r\n", 405, "Allow: GET, PUT, PATCH, DELETE\r\n");
    expect(state, "GET /v2/.. HTTP/1.1\r\nHost: x\r\n\r\n", 401, "WWW-Authenticate: Basic ");
    expect(state, "GET /v2/.. HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcjpzZWNyZXR0\r\n" VERSION "\r\n", 401, NULL);
    expect(state, "GET /v2/.. HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", 412, "2.17");
    expect(state, "GET /v2/a HTTP/1.1\r\nHost: x\r\n" AUTH "X-Broker-API-Version:\r\n\r\n", 412, "2.17");
    expect(state, "GET /v2/a HTTP/1.1\r\nHost: x\r\n" AUTH "x-broker-api-version: 2.99\r\n\r\n", 200, "\"minor\":99");
    expect(state, "GET /v2/.. HTTP/1.1\r\n" HEAD "\r\n", 400, NULL);
    expect(state, "GET /v2/a%zz HTTP/1.1\r\n" HEAD "\r\n", 400, "escape");
    expect(state, "GET /v2/a%00 HTTP/1.1\r\n" HEAD "\r\n", 400, NULL);
    expect(state, "GET /v2/%ff HTTP/1.1\r\n" HEAD "\r\n", 400, NULL);
    expect(state, "GET /v2/a%20b%2Fc HTTP/1.1\r\n" HEAD "\r\n", 200, "\"id\":\"a b/c\"");
    expect(state, "GET http://x/v2/a HTTP/1.1\r\n" HEAD "\r\n", 200, "\"id\":\"a\"");
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", 200, "\"minor\":0");
    expect(state, "GET /basic HTTP/1.1\r\nHost: x\r\n\r\n", 401, NULL);
    expect(state, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n", 200, "ETag: \"1\"\r\n");
    expect(state, "GET /open HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"1\"\r\n\r\n", 304, "ETag: \"1\"\r\n");
    expect(state, "GET /v2/a/fail HTTP/1.1\r\n" HEAD "\r\n", 409, "{\"description\":\"no\"}");
}

static void test_identity(void **state)
{
    static const char *const heads[] = {"GET /v2/a HTTP/1.1\r\n" HEAD, "GET /v2/a HTTP/1.1\r\nHost: x\r\n", "GET /v2/a HTTP/1.1\r\nHost: x\r\n" AUTH,
                                        "GET /v2/a/fail HTTP/1.1\r\n" HEAD, "GET /v2/%zz HTTP/1.1\r\n" HEAD, "GET /none HTTP/1.1\r\nHost: x\r\n",
                                        "POST /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 0\r\n"};
    static const int statuses[] = {200, 401, 412, 409, 400, 404, 405};
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
        CLEANUP_FREE char *request = xasprintf("%sx-broker-api-request-identity: e26 \xc3\xa9\r\n\r\n", heads[i]);
        expect(state, request, statuses[i], "X-Broker-API-Request-Identity: e26 \xc3\xa9\r\n");
    }
}

static void test_queries(void **state)
{
    static const struct {
        const char *query, *part;
    } rows[] = {{"", "\"q\":null"},      {"?", "\"q\":null"},         {"?q", "\"q\":null"},     {"?q=", "\"q\":null"},
                {"?q=a", "\"q\":\"a\""}, {"?q=a&q=b", "\"q\":\"a\""}, {"?p&q=b", "\"q\":\"b\""}, {"?q=a+b%20c%2Bd%26", "\"q\":\"a b c+d&\""},
                {"?q=%zz", "\"q\":null"}, {"?q=%00", "\"q\":null"},    {"?&&&=&q=x", "\"q\":\"x\""}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *request = xasprintf("GET /v2/a%s HTTP/1.1\r\n" HEAD "\r\n", rows[i].query);
        expect(state, request, 200, rows[i].part);
    }
}

static void test_refused_before_the_body(void **state)
{
    expect(state, "PUT /v2/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 401, NULL);
    expect(state, "PUT /v2/a HTTP/1.1\r\nHost: x\r\n" AUTH "Content-Length: 100\r\n\r\n", 412, NULL);
    expect(state, "PATCH /v2/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", 401, NULL);
    expect(state, "DELETE /v2/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 401, NULL);
    expect(state, "PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 1048577\r\n\r\n", 413, "BodyTooLarge");
    expect(state, "PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 99999999999999\r\nExpect: 100-continue\r\n\r\n", 413, NULL);
}

/* A body that nobody read must not be taken for the next request. */
static void test_unread_body_ends_the_connection(void **state)
{
    static const char *const methods[] = {"PUT", "PATCH", "DELETE", "GET"};
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        int fd = dial(state);
        static const char inner[] = "GET /open HTTP/1.1\r\nHost: x\r\n\r\n";
        CLEANUP_FREE char *request = xasprintf("%s /v2/a HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", methods[i], strlen(inner), inner);
        put(fd, request, strlen(request));
        CLEANUP_FREE char *first = get(fd);
        assert_int_equal(status_of(first), 401);
        assert_non_null(strstr(first, "Connection: close\r\n"));
        CLEANUP_FREE char *second = get(fd);
        assert_string_equal(second, "");
        close(fd);
    }
}

static void put_body(int fd, size_t n, bool chunked)
{
    char piece[8192];
    memset(piece, 'x', sizeof(piece));
    for (size_t left = n; left > 0;) {
        size_t now = left < sizeof(piece) ? left : sizeof(piece);
        char head[32];
        snprintf(head, sizeof(head), "%zx\r\n", now);
        if (chunked)
            put(fd, head, strlen(head));
        put(fd, piece, now);
        if (chunked)
            put(fd, "\r\n", 2);
        left -= now;
    }
    if (chunked)
        put(fd, "0\r\n\r\n", 5);
}

static void send_body(void **state, size_t n, bool chunked, int status)
{
    int fd = dial(state);
    CLEANUP_FREE char *head = chunked ? xstrdup("PUT /v2/a HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n")
                                      : xasprintf("PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: %zu\r\n\r\n", n);
    put(fd, head, strlen(head));
    put_body(fd, n, chunked);
    CLEANUP_FREE char *response = get(fd);
    assert_int_equal(status_of(response), status);
    if (status == 200) {
        CLEANUP_FREE char *length = xasprintf("\"length\":%zu,", n);
        assert_non_null(strstr(response, length));
    }
    close(fd);
}

static void test_sizes(void **state)
{
    for (int chunked = 0; chunked <= 1; chunked++) {
        send_body(state, 1, chunked, 200);
        send_body(state, HTTP_MAX_BODY, chunked, 200);
        send_body(state, HTTP_MAX_BODY + 1, chunked, 413);
        send_body(state, (size_t)6 * HTTP_MAX_BODY, chunked, 413); /* the client sends all before it reads: the answer still arrives */
    }
}

static void test_headers_too_large(void **state)
{
    char *filler = xcalloc(1, 17 * 1024);
    memset(filler, 'y', 17 * 1024 - 1);
    CLEANUP_FREE char *request = xasprintf("GET /v2/a HTTP/1.1\r\n" HEAD "X-Filler: %s\r\n\r\n", filler);
    expect(state, request, 431, "HeadersTooLarge");
    free(filler);
}

static void test_slow_and_pieces(void **state)
{
    int fd = dial(state);
    static const char text[] = "PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 5\r\n\r\nhello";
    for (size_t i = 0; i < strlen(text); i++) {
        put(fd, text + i, 1);
        if (i % 16 == 0)
            clock_sleep_ms(1);
    }
    CLEANUP_FREE char *response = get(fd);
    assert_int_equal(status_of(response), 200);
    assert_non_null(strstr(response, "\"body\":\"hello\""));
    close(fd);
}

static void test_half_closed(void **state)
{
    int fd = dial(state);
    static const char text[] = "PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 5\r\n\r\nhello";
    put(fd, text, strlen(text));
    shutdown(fd, SHUT_WR);
    CLEANUP_FREE char *response = get(fd);
    assert_int_equal(status_of(response), 200);
    close(fd);
    fd = dial(state); /* a body cut short reaches no handler */
    put(fd, text, strlen(text) - 2);
    shutdown(fd, SHUT_WR);
    CLEANUP_FREE char *none = get(fd);
    assert_int_not_equal(status_of(none), 200);
    close(fd);
}

static void test_keep_alive_and_pipeline(void **state)
{
    int fd = dial(state);
    static const char *const requests[] = {"GET /v2/a HTTP/1.1\r\n" HEAD "\r\n", "GET /v2/b HTTP/1.1\r\nHost: x\r\n\r\n",
                                           "PUT /v2/c HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}", "GET /x HTTP/1.1\r\n" HEAD "\r\n",
                                           "DELETE /v2/d HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                                           "GET /v2/e HTTP/1.1\r\n" HEAD "\r\n"};
    static const int statuses[] = {200, 401, 200, 404, 200, 200};
    for (int round = 0; round < 50; round++)
        for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
            put(fd, requests[i], strlen(requests[i]));
            CLEANUP_FREE char *response = get(fd);
            assert_int_equal(status_of(response), statuses[i]);
            if (strstr(response, "Connection: close"))
                fail_msg("request %zu of round %d ended the connection:\n%s", i, round, response);
        }
    close(fd);
}

static void test_waiting_routes_hold_up_nobody(void **state)
{
    int slow[8];
    static const char text[] = "PUT /v2/a/sleepy HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}";
    int64_t began = clock_ms();
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        slow[i] = dial(state);
        put(slow[i], text, strlen(text));
    }
    for (int i = 0; i < 20; i++)
        expect(state, "GET /v2/a HTTP/1.1\r\n" HEAD "\r\n", 200, NULL);
    assert_true(clock_ms() - began < 550);
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        CLEANUP_FREE char *response = get(slow[i]);
        assert_int_equal(status_of(response), 201);
        assert_non_null(strstr(response, "Retry-After: 7\r\n"));
        assert_non_null(strstr(response, "\r\n\r\n{}"));
        close(slow[i]);
    }
    int fd = dial(state); /* a client that goes away meanwhile */
    put(fd, text, strlen(text));
    close(fd);
    expect(state, "GET /v2/a HTTP/1.1\r\n" HEAD "\r\n", 200, NULL);
}

static void test_stop_lets_requests_end(void **state)
{
    void *own = NULL;
    (void)state;
    assert_int_equal(start(&own), 0);
    int fd = dial(&own), idle = dial(&own);
    static const char text[] = "PUT /v2/a/sleepy HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}";
    put(fd, text, strlen(text));
    clock_sleep_ms(100);
    int64_t began = clock_ms();
    server_stop(own, 2000);
    assert_in_range(clock_ms() - began, 300, 1500);
    CLEANUP_FREE char *response = get(fd);
    assert_int_equal(status_of(response), 201);
    assert_non_null(strstr(response, "Connection: close\r\n"));
    close(fd);
    close(idle);
}

static void test_bad_addresses(void **state)
{
    Server *s = NULL;
    Error err;
    ServerOptions o = {.address = "127.0.0.1", .port = server_port(*state), .threads = 1, .routes = routes, .encode_error = encode, .username = "u", .password = "p"};
    assert_false(server_start(&o, &s, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    o.address = "localhost.invalid";
    assert_false(server_start(&o, &s, &err));
    o.address = "::1";
    o.port = 0;
    assert_true(server_start(&o, &s, &err));
    assert_true(server_port(s) > 0);
    assert_null(server_stop(s, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_refused_before_the_body),
        cmocka_unit_test(test_unread_body_ends_the_connection),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_headers_too_large),
        cmocka_unit_test(test_slow_and_pieces),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_keep_alive_and_pipeline),
        cmocka_unit_test(test_waiting_routes_hold_up_nobody),
        cmocka_unit_test(test_stop_lets_requests_end),
        cmocka_unit_test(test_bad_addresses),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, start, stop);
}
