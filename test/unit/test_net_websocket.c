/* WebSocket frames against a scripted server: masking, sizes, fragments, pings, closing, deadlines, broken frames. */
#include "websocket_server.h"

static void read_is(WebSocket *ws, const char *expected, size_t n)
{
    Error err = {0};
    CLEANUP_STR Str message = STR_INIT;
    bool end;
    str_append(&message, "old");
    if (!websocket_read(ws, &message, &end, clock_ms() + 3000, &err))
        fail_msg("%s", err.text);
    assert_false(end);
    assert_int_equal(message.len, n);
    assert_memory_equal(str_text(&message), expected, n);
}

static void read_fails(WebSocket *ws, ErrorKind kind, const char *part)
{
    Error err = {0};
    CLEANUP_STR Str message = STR_INIT;
    bool end;
    assert_false(websocket_read(ws, &message, &end, clock_ms() + 3000, &err));
    if (err.kind != kind || !strstr(err.text, part))
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
}

/* Reads one masked frame of the client; the payload is unmasked. Returns the opcode, or -1. */
static int client_frame(int fd, uint8_t *payload, size_t max, size_t *ret_n)
{
    uint8_t head[2], extra[8], mask[4];
    if (!server_read_all(fd, head, 2) || !(head[1] & 0x80) || !(head[0] & 0x80))
        return -1;
    size_t n = head[1] & 0x7f, more = n == 127 ? 8 : n == 126 ? 2 : 0;
    if (more && !server_read_all(fd, extra, more))
        return -1;
    if (more)
        n = 0;
    for (size_t i = 0; i < more; i++)
        n = n << 8 | extra[i];
    if (n > max || !server_read_all(fd, mask, 4) || (n && !server_read_all(fd, payload, n)))
        return -1;
    for (size_t i = 0; i < n; i++)
        payload[i] ^= mask[i % 4];
    *ret_n = n;
    return head[0] & 0x0f;
}

/* Sends each message back, its length in the shortest form, until close. */
static void echo(int fd, Script *script)
{
    (void)script;
    enum { MAX = 1 << 20 };
    uint8_t *payload = xmalloc(MAX), head[10];
    size_t n;
    for (int opcode; (opcode = client_frame(fd, payload, MAX, &n)) == 2;) {
        size_t extra = n > 65535 ? 8 : n > 125 ? 2 : 0;
        head[0] = 0x82;
        head[1] = (uint8_t)(extra == 8 ? 127 : extra == 2 ? 126 : n);
        for (size_t i = 0; i < extra; i++)
            head[2 + i] = (uint8_t)(n >> 8 * (extra - 1 - i));
        server_write(fd, head, 2 + extra);
        server_write(fd, payload, n);
    }
    free(payload);
}

static void test_echo(void **state)
{
    (void)state;
    Script script = {.after = echo};
    WebSocket *ws = connected(&script);
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 300000};
    CLEANUP_FREE char *data = xmalloc(300000);
    for (size_t i = 0; i < 300000; i++)
        data[i] = (char)(i * 7);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        Error err = {0};
        size_t head = sizes[i] / 3;
        assert_true(websocket_write(ws, (const Bytes[2]){{data, head}, {data + head, sizes[i] - head}}, clock_ms() + 3000, &err));
        read_is(ws, data, sizes[i]);
    }
    websocket_free(ws);
    server_stop(&script.server);
}

/* The masks are fresh, so equal messages look different on the wire. */
static void take_two(int fd, Script *script)
{
    server_read_all(fd, script->request, 2 * (2 + 4 + 5));
}

static void test_masking(void **state)
{
    (void)state;
    Script script = {.after = take_two};
    WebSocket *ws = connected(&script);
    Error err = {0};
    assert_true(websocket_write(ws, (const Bytes[2]){{"he", 2}, {"llo", 3}}, clock_ms() + 3000, &err));
    assert_true(websocket_write(ws, (const Bytes[2]){{NULL, 0}, {"hello", 5}}, clock_ms() + 3000, &err));
    websocket_free(ws);
    server_stop(&script.server);
    const uint8_t *one = (uint8_t *)script.request, *two = one + 11;
    for (const uint8_t *f = one; f <= two; f += 11) {
        assert_int_equal(f[0], 0x82);
        assert_int_equal(f[1], 0x85);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(f[6 + i] ^ f[2 + i % 4], "hello"[i]);
    }
    assert_memory_not_equal(one + 2, two + 2, 4);
}

/* Expects the answer to the ping, then the client's close; tells what it saw through the request buffer. */
static void see_pong(int fd, Script *script)
{
    uint8_t payload[125];
    size_t n = 0;
    int pong = client_frame(fd, payload, sizeof(payload), &n);
    bool same = pong == 10 && n == 4 && memcmp(payload, "ping", 4) == 0;
    int closing = client_frame(fd, payload, sizeof(payload), &n);
    snprintf(script->request, sizeof(script->request), "%d %d %u", same, closing, n == 2 ? (unsigned)payload[0] << 8 | payload[1] : 0);
}

static void test_fragments_and_ping(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x02, 2, 'a', 'b', 0x00, 0, 0x89, 4, 'p', 'i', 'n', 'g', 0x8a, 0, 0x80, 3, 'c', 'd', 'e',
                                    0x81, 1, 't', 0x82, 0};
    Script script = {.bytes = bytes, .bytes_len = sizeof(bytes), .after = see_pong};
    WebSocket *ws = connected(&script);
    read_is(ws, "abcde", 5);
    read_is(ws, "t", 1);
    read_is(ws, "", 0);
    websocket_free(ws);
    server_stop(&script.server);
    assert_string_equal(script.request, "1 8 1000");
}

static void see_close(int fd, Script *script)
{
    uint8_t payload[125];
    size_t n = 0;
    int opcode = client_frame(fd, payload, sizeof(payload), &n);
    int after = client_frame(fd, payload + 2, sizeof(payload) - 2, &n);
    snprintf(script->request, sizeof(script->request), "%d %u %d", opcode, (unsigned)payload[0] << 8 | payload[1], after);
}

static void test_peer_closes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x82, 1, 'x', 0x88, 5, 0x03, 0xe9, 'b', 'y', 'e'};
    Script script = {.bytes = bytes, .bytes_len = sizeof(bytes), .after = see_close};
    WebSocket *ws = connected(&script);
    read_is(ws, "x", 1);
    Error err = {0};
    CLEANUP_STR Str message = STR_INIT;
    bool end = false;
    assert_true(websocket_read(ws, &message, &end, clock_ms() + 3000, &err));
    assert_true(end);
    assert_int_equal(message.len, 0);
    read_fails(ws, ERR_RETRY, "has ended");
    assert_false(websocket_write(ws, (const Bytes[2]){{"x", 1}, {NULL, 0}}, clock_ms() + 3000, &err));
    websocket_free(ws);
    server_stop(&script.server);
    assert_string_equal(script.request, "8 1001 -1"); /* answered once, with the same status */
}

static void test_violations(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t n;
        const char *part;
    } cases[] = {
        {{0xc2, 0}, 2, "reserved"},
        {{0x82, 0x81, 0, 0, 0, 0, 'x'}, 7, "masked"},
        {{0x83, 0}, 2, "unknown"},
        {{0x8b, 0}, 2, "unknown"},
        {{0x09, 0}, 2, "control"},
        {{0x89, 126, 0, 126}, 4, "control"},
        {{0x80, 0}, 2, "continuation"},
        {{0x02, 0, 0x82, 0}, 4, "within another"},
        {{0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 1}, 10, "larger than 4 MiB"},
        {{0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 10, "larger than 4 MiB"},
        {{0x02, 1, 'x', 0x80, 127, 0, 0, 0, 0}, 9, ""}, /* see below: completed to 4 MiB, one too many with the fragment before */
        {{0x88, 1, 3}, 3, "half a status"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t bytes[16];
        size_t n = cases[i].n;
        memcpy(bytes, cases[i].bytes, sizeof(cases[i].bytes));
        if (!*cases[i].part) {
            static const uint8_t tail[] = {0, 0x40, 0, 0};
            memcpy(bytes + n, tail, 4);
            n += 4;
        }
        Script script = {.bytes = bytes, .bytes_len = n};
        WebSocket *ws = connected(&script);
        read_fails(ws, ERR_INTERNAL, *cases[i].part ? cases[i].part : "larger than 4 MiB");
        read_fails(ws, ERR_RETRY, "has ended");
        websocket_free(ws);
        server_stop(&script.server);
    }
}

static void test_largest_message(void **state)
{
    (void)state;
    size_t n = 4 << 20;
    CLEANUP_FREE char *bytes = xcalloc(1, n + 10);
    static const uint8_t head[] = {0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 0};
    memcpy(bytes, head, sizeof(head));
    bytes[n + 9] = 'z';
    Script script = {.bytes = (uint8_t *)bytes, .bytes_len = n + 10};
    WebSocket *ws = connected(&script);
    read_is(ws, bytes + 10, n);
    read_fails(ws, ERR_RETRY, "the connection ended");
    websocket_free(ws);
    server_stop(&script.server);
}

static void slow_rest(int fd, Script *script)
{
    (void)script;
    clock_sleep_ms(250);
    server_say(fd, "lo");
    server_read_until(fd, "never", (char[64]){0}, 64);
}

static void test_deadline_within_frame(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x82, 5, 'h', 'e', 'l'};
    Script script = {.bytes = bytes, .bytes_len = sizeof(bytes), .after = slow_rest};
    WebSocket *ws = connected(&script);
    Error err = {0};
    CLEANUP_STR Str message = STR_INIT;
    bool end;
    int64_t start = clock_ms();
    assert_false(websocket_read(ws, &message, &end, start + 50, &err));
    assert_in_range(clock_ms() - start, 45, 240);
    assert_int_equal(err.kind, ERR_RETRY);
    read_is(ws, "hello", 5);
    websocket_free(ws);
    server_stop(&script.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_masking),
        cmocka_unit_test(test_fragments_and_ping),
        cmocka_unit_test(test_peer_closes),
        cmocka_unit_test(test_violations),
        cmocka_unit_test(test_largest_message),
        cmocka_unit_test(test_deadline_within_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
