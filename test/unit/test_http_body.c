/* Bodies over real sockets: too large, slow, cut short, unread; the answer arrives in each case. */
#include "http_peer.h"

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

/* However much had arrived when the client ended its half: what is answered is answered, and the connection is closed soon. */
static void test_ends_are_seen(void **state)
{
    static const struct {
        const char *text;
        int status; /* 0: no answer */
    } rows[] = {{"", 0},
                {"GET /v2", 0},
                {"GET /v2/a HTTP/1.1\r\n" HEAD, 0},
                {"PUT /v2/a HTTP/1.1\r\n" HEAD "Content-Length: 9\r\n\r\nhello", 0},
                {"PUT /v2/a HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nhello", 0},
                {"GET /v2/a HTTP/1.1\r\n" HEAD "\r\n", 200},
                {"PUT /v2/a/sleepy HTTP/1.1\r\n" HEAD "Content-Length: 2\r\n\r\n{}", 201}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int fd = dial(state);
        put(fd, rows[i].text, strlen(rows[i].text));
        shutdown(fd, SHUT_WR);
        CLEANUP_FREE char *response = get(fd);
        assert_int_equal(status_of(response), rows[i].status);
        CLEANUP_FREE char *nothing = get(fd); /* the end, or its time limit of 3 s */
        assert_string_equal(nothing, "");
        assert_int_equal(recv(fd, (char[1]){0}, 1, MSG_DONTWAIT), 0);
        close(fd);
    }
}

static void test_framing(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } rows[] = {{"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400}, {"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}", 400},
                {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
                {"Transfer-Encoding: gzip\r\n\r\n", 501}, {"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
                {"Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", 200}, {"Host: y\r\nContent-Length: 0\r\n\r\n", 400},
                {"X: a\tb\r\nContent-Length: 0\r\n\r\n", 200}, {"X: a\x01\r\nContent-Length: 0\r\n\r\n", 400},
                {"X: a\x7f\r\nContent-Length: 0\r\n\r\n", 400}, {"X: \xff\r\nContent-Length: 0\r\n\r\n", 200}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *request = xasprintf("PUT /v2/a HTTP/1.1\r\n" HEAD "%s", rows[i].headers);
        expect(state, request, rows[i].status, NULL);
    }
    expect(state, "GET /open HTTP/1.1\r\n\r\n", 400, "Host");
    expect(state, "GET /open HTTP/1.0\r\n\r\n", 200, NULL);
    expect(state, "PUT /v2/a HTTP/1.0\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "HTTP/1.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_before_the_body),
        cmocka_unit_test(test_unread_body_ends_the_connection),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_slow_and_pieces),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_ends_are_seen),
        cmocka_unit_test(test_framing),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, start, stop);
}
