/* The opening handshake of a WebSocket client; a refusal is told by status and the beginning of the answer's body. */
#include "net/websocket_upgrade.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEAD = 32768, SHOWN_BODY = 200, BODY_WAIT_MS = 2000, NONCE_SIZE = 16, SHA1_SIZE = 20, MAX_RETRY_AFTER_SECONDS = 86400 };

static bool one_line(const char *text)
{
    return text[strcspn(text, "\r\n")] == '\0';
}

/* A line break would begin another header or request. */
static bool check_request(const WebSocketRequest *request, Error *err)
{
    bool ok = one_line(request->host) && one_line(request->path) && !strchr(request->path, ' ') &&
              one_line(request->subprotocol);
    for (const char *const *h = request->headers; h && *h; h++)
        ok = ok && one_line(*h);
    return ok || error_set(err, ERR_INTERNAL, "a line of the WebSocket request contains a line break");
}

static void request_text(const WebSocketRequest *request, const char *key, Str *out)
{
    str_appendf(out,
                "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n",
                request->path, request->host, key, request->subprotocol);
    for (const char *const *h = request->headers; h && *h; h++)
        str_appendf(out, "%s\r\n", *h);
    str_append(out, "\r\n");
}

/* base64(SHA-1(key + GUID)), section 4.2.2; the caller frees. */
static char *expected_accept(const char *key)
{
    uint8_t sum[SHA1_SIZE];
    CLEANUP_FREE char *text = xasprintf("%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    if (!EVP_Digest(text, strlen(text), sum, NULL, EVP_sha1(), NULL))
        abort(); /* OpenSSL itself is broken */
    return base64_encode(sum, sizeof(sum));
}

static bool read_more(Stream *stream, Str *in, int64_t deadline_ms, size_t *ret_n, Error *err)
{
    char block[4096];
    if (!stream_read(stream, block, sizeof(block), ret_n, deadline_ms, err))
        return false;
    str_append_n(in, block, *ret_n);
    return true;
}

/* Reads to the empty line. The head (with its last line break, NUL-terminated) goes to *head, what follows to *rest. */
static bool read_head(Stream *stream, int64_t deadline_ms, Str *head, Str *rest, Error *err)
{
    CLEANUP_STR Str in = STR_INIT;
    const char *end;
    while (!(end = memmem(str_text(&in), in.len, "\r\n\r\n", 4))) {
        size_t n = 0;
        if (in.len > MAX_HEAD)
            return error_set(err, ERR_INTERNAL, "the answer to the WebSocket upgrade has more than %d bytes of headers", MAX_HEAD);
        if (!read_more(stream, &in, deadline_ms, &n, err))
            return error_wrap(err, "WebSocket upgrade");
        if (n == 0)
            return error_set(err, ERR_RETRY, "the connection ended before the WebSocket upgrade was answered");
    }
    size_t head_len = (size_t)(end - in.data) + 2;
    str_append_n(head, in.data, head_len);
    str_append_n(rest, in.data + head_len + 2, in.len - head_len - 2);
    return true;
}

/* The trimmed value of the first header of that name, or NULL; the caller frees. */
static char *header(const Str *head, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *line = strstr(str_text(head), "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, name_len) != 0 || at[name_len] != ':')
            continue;
        at += name_len + 1;
        at += strspn(at, " \t");
        size_t n = strcspn(at, "\r\n");
        while (n > 0 && (at[n - 1] == ' ' || at[n - 1] == '\t'))
            n--;
        return xstrndup(at, n);
    }
    return NULL;
}

/* "HTTP/1.1 403 Forbidden" -> 403; 0 when it is no such line. */
static int status_of(const Str *head)
{
    const char *text = str_text(head);
    if (strncmp(text, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)text[7]) || text[8] != ' ')
        return 0;
    const char *digits = text + 9;
    return strspn(digits, "0123456789") == 3 ? (int)strtol(digits, NULL, 10) : 0;
}

/* Bytes that a Content-Length promises; SHOWN_BODY when there is none. */
static size_t promised(const Str *head)
{
    CLEANUP_FREE char *length = header(head, "Content-Length");
    unsigned long long n = length ? strtoull(length, NULL, 10) : SHOWN_BODY;
    return n < SHOWN_BODY ? (size_t)n : SHOWN_BODY;
}

/* Skips the size line of the first chunk; shows only that chunk. */
static void unchunk(Str *body)
{
    const char *line_end = strstr(str_text(body), "\r\n");
    if (!line_end)
        return;
    unsigned long long n = strtoull(body->data, NULL, 16);
    size_t skip = (size_t)(line_end - body->data) + 2, left = body->len - skip;
    char *chunk = xstrndup(body->data + skip, n < left ? (size_t)n : left);
    str_clear(body);
    str_append(body, chunk);
    free(chunk);
}

/* The first bytes of the body as one line of ASCII; what does not come in time is left out. */
static void refusal_text(Stream *stream, const Str *head, Str *body, int64_t deadline_ms)
{
    CLEANUP_FREE char *coding = header(head, "Transfer-Encoding");
    bool chunked = coding && strcasecmp(coding, "chunked") == 0;
    size_t want = chunked ? SHOWN_BODY : promised(head), n = 1;
    int64_t patience = clock_ms() + BODY_WAIT_MS;
    int64_t until = deadline_ms < patience ? deadline_ms : patience;
    while (body->len < want && n > 0 && !(chunked && strstr(str_text(body), "\r\n0\r\n")))
        if (!read_more(stream, body, until, &n, NULL))
            break;
    if (chunked)
        unchunk(body);
    for (size_t i = 0; i < body->len; i++)
        if (!isprint((unsigned char)body->data[i]))
            body->data[i] = iscntrl((unsigned char)body->data[i]) ? ' ' : '?';
}

static ErrorKind kind_of(int status)
{
    return status == 401 || status == 403  ? ERR_DENIED
           : status == 404                 ? ERR_NOT_FOUND
           : status == 429 || status >= 500 ? ERR_RETRY
                                           : ERR_INTERNAL;
}

static int seconds_of(const char *retry_after)
{
    long n = retry_after ? strtol(retry_after, NULL, 10) : 0;
    return n < 0 ? 0 : n > MAX_RETRY_AFTER_SECONDS ? MAX_RETRY_AFTER_SECONDS : (int)n;
}

static bool refused(Stream *stream, int status, const Str *head, Str *body, int64_t deadline_ms, Error *err)
{
    CLEANUP_FREE char *retry_after = header(head, "Retry-After");
    refusal_text(stream, head, body, deadline_ms);
    error_set(err, kind_of(status), "the WebSocket upgrade was answered with status %d: %.*s", status, SHOWN_BODY,
              str_text(body));
    if (err)
        err->retry_after_seconds = seconds_of(retry_after);
    return false;
}

static bool check_answer(const Str *head, const char *key, const char *subprotocol, Error *err)
{
    CLEANUP_FREE char *upgrade = header(head, "Upgrade");
    CLEANUP_FREE char *connection = header(head, "Connection");
    CLEANUP_FREE char *accept = header(head, "Sec-WebSocket-Accept");
    CLEANUP_FREE char *chosen = header(head, "Sec-WebSocket-Protocol");
    CLEANUP_FREE char *extensions = header(head, "Sec-WebSocket-Extensions");
    CLEANUP_FREE char *expected = expected_accept(key);
    if (!upgrade || strcasecmp(upgrade, "websocket") != 0 || !connection || !strcasestr(connection, "upgrade"))
        return error_set(err, ERR_INTERNAL, "the answer to the WebSocket upgrade does not upgrade to websocket");
    if (!accept || strcmp(accept, expected) != 0)
        return error_set(err, ERR_INTERNAL, "the answer to the WebSocket upgrade does not fit the request (Sec-WebSocket-Accept)");
    if (!chosen || strcmp(chosen, subprotocol) != 0)
        return error_set(err, ERR_INTERNAL, "the server did not choose the WebSocket subprotocol %s", subprotocol);
    if (extensions && *extensions)
        return error_set(err, ERR_INTERNAL, "the server chose a WebSocket extension that was not offered");
    return true;
}

bool websocket_upgrade(Stream *stream, const WebSocketRequest *request, int64_t deadline_ms, Str *rest, Error *err)
{
    uint8_t nonce[NONCE_SIZE];
    CLEANUP_STR Str text = STR_INIT;
    CLEANUP_STR Str head = STR_INIT;
    CLEANUP_STR Str after = STR_INIT;
    random_bytes(nonce, sizeof(nonce));
    CLEANUP_FREE char *key = base64_encode(nonce, sizeof(nonce));
    if (!check_request(request, err))
        return false;
    request_text(request, key, &text);
    if (!stream_write(stream, text.data, text.len, deadline_ms, err))
        return error_wrap(err, "WebSocket upgrade");
    if (!read_head(stream, deadline_ms, &head, &after, err))
        return false;
    int status = status_of(&head);
    if (status == 0)
        return error_set(err, ERR_INTERNAL, "the answer to the WebSocket upgrade is not HTTP/1.1");
    if (status != 101)
        return refused(stream, status, &head, &after, deadline_ms, err);
    if (!check_answer(&head, key, request->subprotocol, err))
        return false;
    str_append_n(rest, str_text(&after), after.len);
    return true;
}
