/* WebSocket upgrades against a scripted server: what is asked, refusals by status, answers that do not fit. */
#include "websocket_server.h"

static void refused(const char *answer, ErrorKind kind, int retry_after, const char *part)
{
    Script script = {.refusal = answer};
    Error err = {0};
    WebSocket *ws = NULL;
    assert_false(try_connect(&script, &usual, 3000, &ws, &err));
    server_stop(&script.server);
    assert_null(ws);
    if (err.kind != kind || err.retry_after_seconds != retry_after || !strstr(err.text, part))
        fail_msg("%s %d: %s", error_kind_name(err.kind), err.retry_after_seconds, err.text);
    assert_null(strstr(err.text, "t0ken"));
}

static void test_handshake_request(void **state)
{
    (void)state;
    Script script = {0};
    WebSocket *ws = connected(&script);
    websocket_free(ws);
    server_stop(&script.server);
    static const char *const parts[] = {"GET /api/v1/namespaces/a/pods/b/portforward?ports=9072 HTTP/1.1\r\n",
                                        "\r\nHost: api.test:6443\r\n",
                                        "\r\nUpgrade: websocket\r\n",
                                        "\r\nConnection: Upgrade\r\n",
                                        "\r\nSec-WebSocket-Version: 13\r\n",
                                        "\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n",
                                        "\r\nAuthorization: Bearer t0ken\r\n",
                                        "\r\nX-Other: 1\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (!strstr(script.request, parts[i]))
            fail_msg("\"%s\" not in \"%s\"", parts[i], script.request);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("HTTP/1.1 403 Forbidden\r\nContent-Length: 21\r\n\r\npods \"b\" is forbidden!", ERR_DENIED, 0,
            "status 403: pods \"b\" is forbidden");
    refused("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", ERR_DENIED, 0, "status 401");
    refused("HTTP/1.1 404 Not Found\r\n\r\npods \"b\" not\nfound \xc3\xa9", ERR_NOT_FOUND, 0, "pods \"b\" not found ??");
    refused("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n0\r\n\r\n",
            ERR_RETRY, 7, "status 429: later");
    refused("HTTP/1.1 503 Unavailable\r\nretry-after: soon\r\n\r\n", ERR_RETRY, 0, "status 503");
    refused("HTTP/1.1 500 Oops\r\nRetry-After: 99999999999\r\n\r\n", ERR_RETRY, 86400, "status 500");
    refused("HTTP/1.1 400 Bad Request\r\n\r\nno", ERR_INTERNAL, 0, "status 400: no");
    refused("HTTP/1.1 200 OK\r\n\r\nhello", ERR_INTERNAL, 0, "status 200: hello");
    refused("SSH-2.0-OpenSSH\r\n\r\n", ERR_INTERNAL, 0, "not HTTP/1.1");
    refused("HTTP/1.1 403 For", ERR_RETRY, 0, "ended before");
    refused("", ERR_RETRY, 0, "ended before");
}

static void bad_upgrade(Script script, const char *part)
{
    Error err = {0};
    WebSocket *ws = NULL;
    assert_false(try_connect(&script, &usual, 3000, &ws, &err));
    server_stop(&script.server);
    assert_int_equal(err.kind, ERR_INTERNAL);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
}

static void test_bad_upgrades(void **state)
{
    (void)state;
    bad_upgrade((Script){.accept = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "Sec-WebSocket-Accept");
    bad_upgrade((Script){.subprotocol = "channel.k8s.io"}, "did not choose");
    bad_upgrade((Script){.extra = "Sec-WebSocket-Extensions: permessage-deflate\r\n"}, "extension");
    bad_upgrade((Script){.refusal = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n"}, "does not upgrade");
    CLEANUP_FREE char *filler = xcalloc(1, 40000);
    memset(filler, 'x', 39990);
    CLEANUP_FREE char *endless = xasprintf("HTTP/1.1 101 ok\r\nX: %s", filler);
    bad_upgrade((Script){.refusal = endless}, "32768 bytes of headers");
}

static void stay(int fd, Script *script)
{
    (void)script;
    server_read_until(fd, "never", (char[64]){0}, 64);
}

static void test_line_breaks_and_silence(void **state)
{
    (void)state;
    Error err = {0};
    WebSocket *ws = NULL;
    static const char *const evil[] = {"X: 1\r\nY: 2", NULL};
    WebSocketRequest request = usual;
    request.headers = evil;
    Script script = {.after = stay};
    assert_false(try_connect(&script, &request, 3000, &ws, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    server_stop(&script.server);
    request = usual;
    request.path = "/a b";
    Script second = {0};
    assert_false(try_connect(&second, &request, 3000, &ws, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    server_stop(&second.server);
    Script silent = {.refusal = "HTTP/1.1 101 "};
    assert_false(try_connect(&silent, &usual, 3000, &ws, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    server_stop(&silent.server);
    assert_null(websocket_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_request),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_upgrades),
        cmocka_unit_test(test_line_breaks_and_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
