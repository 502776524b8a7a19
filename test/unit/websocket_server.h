/* A WebSocket server for the tests: answers one upgrade as a script says, then sends bytes and runs a function. */
#ifndef TEST_WEBSOCKET_SERVER_H
#define TEST_WEBSOCKET_SERVER_H

#include "base/clock.h"
#include "base/digest.h"
#include "net/websocket.h"
#include "net_server.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* What the server answers instead of a good upgrade, or what it does after one. Set before the client connects. */
typedef struct Script {
    const char *refusal;             /* whole HTTP answer, or NULL */
    const char *accept, *subprotocol, *extra; /* overrides of the good answer */
    void (*after)(int fd, struct Script *script);
    char request[8192];
    const uint8_t *bytes; /* sent right behind the upgrade's answer */
    size_t bytes_len;
    Server server;
} Script;

static UNUSED char *header_of(const char *request, const char *name)
{
    const char *at = strcasestr(request, name);
    return at ? xstrndup(at + strlen(name), strcspn(at + strlen(name), "\r\n")) : xstrdup("");
}

static UNUSED char *accept_of(const char *request)
{
    uint8_t sum[20];
    CLEANUP_FREE char *key = header_of(request, "Sec-WebSocket-Key: ");
    CLEANUP_FREE char *text = xasprintf("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    EVP_Digest(text, strlen(text), sum, NULL, EVP_sha1(), NULL);
    return base64_encode(sum, sizeof(sum));
}

static UNUSED void serve(int fd, void *context)
{
    Script *script = context;
    server_read_until(fd, "\r\n\r\n", script->request, sizeof(script->request));
    if (script->refusal) {
        server_say(fd, script->refusal);
        return;
    }
    CLEANUP_FREE char *accept = accept_of(script->request);
    CLEANUP_FREE char *head = xasprintf(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade:  WebSocket \r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n%s\r\n",
        script->accept ? script->accept : accept, script->subprotocol ? script->subprotocol : "v4.channel.k8s.io",
        script->extra ? script->extra : "");
    Str all = STR_INIT;
    str_append(&all, head);
    str_append_n(&all, script->bytes, script->bytes_len);
    server_write(fd, all.data, all.len);
    str_free(&all);
    if (script->after)
        script->after(fd, script);
}

static const char *const extra_headers[] = {"Authorization: Bearer t0ken", "X-Other: 1", NULL};
static const WebSocketRequest usual = {.host = "api.test:6443",
                                       .path = "/api/v1/namespaces/a/pods/b/portforward?ports=9072",
                                       .headers = extra_headers,
                                       .subprotocol = "v4.channel.k8s.io"};

static UNUSED bool try_connect(Script *script, const WebSocketRequest *request, int timeout_ms, WebSocket **ret, Error *err)
{
    Stream *stream = NULL;
    server_start(&script->server, serve, script);
    assert_true(tcp_stream_new("127.0.0.1", script->server.port, clock_ms() + 3000, &stream, err));
    bool ok = websocket_connect(&stream, request, clock_ms() + timeout_ms, ret, err);
    assert_null(stream);
    return ok;
}

static UNUSED WebSocket *connected(Script *script)
{
    Error err = {0};
    WebSocket *ws = NULL;
    if (!try_connect(script, &usual, 3000, &ws, &err))
        fail_msg("%s", err.text);
    return ws;
}

#endif
