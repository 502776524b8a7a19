/* The server over real sockets: what it refuses when, what it lets through, and how it ends. */
#include "http_peer.h"

#include <pthread.h>

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

static void test_headers_too_large(void **state)
{
    char *filler = xcalloc(1, 17 * 1024);
    memset(filler, 'y', 17 * 1024 - 1);
    CLEANUP_FREE char *request = xasprintf("GET /v2/a HTTP/1.1\r\n" HEAD "X-Filler: %s\r\n\r\n", filler);
    expect(state, request, 431, "HeadersTooLarge");
    free(filler);
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

/* More handlers block than there are threads: who needs none gets an answer all the same, the others in turn. */
static void test_blocking_handlers(void **state)
{
    static const char text[] = "PUT /v2/a/blocking HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}";
    int blocked[4], kept[6];
    int64_t began = clock_ms();
    for (size_t i = 0; i < ARRAY_SIZE(blocked); i++) {
        blocked[i] = dial(state);
        put(blocked[i], text, strlen(text));
    }
    clock_sleep_ms(50);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        static const char quick[] = "GET /open HTTP/1.1\r\nHost: x\r\n\r\n";
        kept[i] = dial(state);
        put(kept[i], quick, strlen(quick));
        CLEANUP_FREE char *response = get(kept[i]);
        assert_int_equal(status_of(response), 200);
    }
    assert_true(clock_ms() - began < 500);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        close(kept[i]);
    for (size_t i = 0; i < ARRAY_SIZE(blocked); i++) {
        CLEANUP_FREE char *response = get(blocked[i]);
        assert_int_equal(status_of(response), 201);
        close(blocked[i]);
    }
    assert_in_range(clock_ms() - began, 1200, 2300); /* two threads, four times 600 ms */
}

/* Those that come while a call runs are answered by the next one together. */
static void test_groups(void **state)
{
    int fds[9];
    long most = 0;
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        CLEANUP_FREE char *text = xasprintf("GET /v2/%s/group HTTP/1.1\r\n" HEAD "\r\n", i == 4 ? "bad" : "good");
        fds[i] = dial(state);
        put(fds[i], text, strlen(text));
        if (i == 0)
            clock_sleep_ms(100);
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        CLEANUP_FREE char *response = get(fds[i]);
        assert_int_equal(status_of(response), i == 4 ? 409 : 200);
        const char *of = strstr(response, "{\"of\": ");
        if (i != 4 && !of)
            fail_msg("request %zu:\n%s", i, response);
        long n = of ? strtol(of + 7, NULL, 10) : 0;
        assert_true(i != 0 || n == 1);
        most = n > most ? n : most;
        close(fds[i]);
    }
    assert_in_range(most, 2, 8);
    /* A body that nobody asked for is refused when too large, and read over otherwise. */
    expect(state, "GET /v2/a/group HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}", 200, "{\"of\": 1}");
    expect(state, "GET /v2/a/group HTTP/1.1\r\n" HEAD "Content-Length: 2000000\r\n\r\n", 413, NULL);
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

/* Asks until the server is gone; gives the status of an answer that it should not give, or NULL. */
static void *hammer(void *context)
{
    static const char text[] = "GET /v2/a HTTP/1.1\r\n" HEAD "\r\n";
    int fd = *(int *)context, status = 200;
    while (status == 200 && send(fd, text, strlen(text), MSG_NOSIGNAL) > 0) {
        CLEANUP_FREE char *response = get(fd);
        status = status_of(response);
    }
    close(fd);
    return status == 200 || status == 503 || status == 0 ? NULL : (void *)(intptr_t)status;
}

/* A request may come at any moment of a stop without grace; libmicrohttpd ends the process where a suspended connection is left. */
static void test_stop_under_load(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        void *own = NULL;
        void *wrong;
        int fds[6];
        pthread_t clients[ARRAY_SIZE(fds)];
        assert_int_equal(start(&own), 0);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
            fds[i] = dial(&own);
            assert_int_equal(pthread_create(&clients[i], NULL, hammer, &fds[i]), 0);
        }
        clock_sleep_ms(20);
        server_stop(own, 0);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
            pthread_join(clients[i], &wrong);
            assert_null(wrong);
        }
    }
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
        cmocka_unit_test(test_headers_too_large),
        cmocka_unit_test(test_keep_alive_and_pipeline),
        cmocka_unit_test(test_waiting_routes_hold_up_nobody),
        cmocka_unit_test(test_blocking_handlers),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_stop_lets_requests_end),
        cmocka_unit_test(test_stop_under_load),
        cmocka_unit_test(test_bad_addresses),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, start, stop);
}
