/*
 * WebSocket frames (RFC 6455 section 5) over a stream. Bytes are collected until a whole frame is there, so that a read that met its
 * deadline can be repeated.
 */
#include "net/websocket.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "net/websocket_upgrade.h"

#include <string.h>

enum { MAX_MESSAGE = 4 << 20, MAX_CONTROL = 125, FAREWELL_MS = 200, READ_BLOCK = 16384 };
enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct WebSocket {
    Stream *stream;
    Str in;         /* received and not yet used, from in_at on */
    size_t in_at;
    Str message;    /* fragments so far */
    bool in_message;
    bool ended;     /* the peer closed, or the protocol was broken: nothing may follow */
};

typedef struct Frame {
    bool fin;
    int opcode;
    const uint8_t *payload; /* into ws->in, until the next read */
    size_t len;
} Frame;

bool websocket_connect(Stream **taken, const WebSocketRequest *request, int64_t deadline_ms, WebSocket **ret, Error *err)
{
    CLEANUP(stream_free) Stream *stream = TAKE(*taken);
    CLEANUP_STR Str rest = STR_INIT;
    if (!websocket_upgrade(stream, request, deadline_ms, &rest, err))
        return false;
    WebSocket *ws = xcalloc(1, sizeof(*ws));
    ws->stream = TAKE(stream);
    ws->in = rest;
    rest = STR_INIT;
    *ret = ws;
    return true;
}

static const uint8_t *unused(const WebSocket *ws)
{
    return (const uint8_t *)str_text(&ws->in) + ws->in_at;
}

/* Moves what is unused to the front of the buffer. */
static void compact(WebSocket *ws)
{
    if (ws->in_at == 0)
        return;
    ws->in.len -= ws->in_at;
    memmove(ws->in.data, ws->in.data + ws->in_at, ws->in.len + 1);
    ws->in_at = 0;
}

/* Has at least n unused bytes collected, reading as needed. */
static bool collect(WebSocket *ws, size_t n, int64_t deadline_ms, Error *err)
{
    while (ws->in.len - ws->in_at < n) {
        char block[READ_BLOCK];
        size_t got = 0;
        if (!stream_read(ws->stream, block, sizeof(block), &got, deadline_ms, err))
            return false;
        if (got == 0)
            return error_set(err, ERR_RETRY, "the connection ended within the WebSocket session");
        compact(ws);
        str_append_n(&ws->in, block, got);
    }
    return true;
}

static bool violation(WebSocket *ws, const char *what, Error *err)
{
    ws->ended = true;
    return error_set(err, ERR_INTERNAL, "the peer broke the WebSocket protocol: %s", what);
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool check_head(WebSocket *ws, const uint8_t *head, Error *err)
{
    int opcode = head[0] & 0x0f;
    bool fin = head[0] & 0x80, control = opcode >= OP_CLOSE;
    if (head[0] & 0x70)
        return violation(ws, "reserved bits are set", err);
    if (head[1] & 0x80)
        return violation(ws, "a server's frame is masked", err);
    if (opcode > OP_PONG || (opcode > OP_BINARY && !control))
        return violation(ws, "unknown frame type", err);
    if (control && (!fin || (head[1] & 0x7f) > MAX_CONTROL))
        return violation(ws, "a control frame is fragmented or too long", err);
    if (opcode == OP_CONTINUATION && !ws->in_message)
        return violation(ws, "a continuation without a beginning", err);
    if ((opcode == OP_TEXT || opcode == OP_BINARY) && ws->in_message)
        return violation(ws, "a message begins within another", err);
    return true;
}

/* The next frame; its bytes count as used, but stay where they are until the next read. */
static bool next_frame(WebSocket *ws, Frame *ret, int64_t deadline_ms, Error *err)
{
    if (!collect(ws, 2, deadline_ms, err) || !check_head(ws, unused(ws), err))
        return false;
    int short_len = unused(ws)[1] & 0x7f;
    size_t extra = short_len == 127 ? 8 : short_len == 126 ? 2 : 0;
    if (!collect(ws, 2 + extra, deadline_ms, err))
        return false;
    uint64_t len = extra ? big_endian(unused(ws) + 2, extra) : (uint64_t)short_len;
    if (len > MAX_MESSAGE - ws->message.len)
        return violation(ws, "a message is larger than 4 MiB", err);
    if (!collect(ws, 2 + extra + (size_t)len, deadline_ms, err))
        return false;
    const uint8_t *frame = unused(ws);
    *ret = (Frame){.fin = frame[0] & 0x80, .opcode = frame[0] & 0x0f, .payload = frame + 2 + extra, .len = (size_t)len};
    ws->in_at += 2 + extra + (size_t)len;
    return true;
}

static size_t frame_head(uint8_t *out, int opcode, size_t n)
{
    out[0] = (uint8_t)(0x80 | opcode);
    size_t extra = n > 0xffff ? 8 : n > MAX_CONTROL ? 2 : 0;
    out[1] = (uint8_t)(0x80 | (extra == 8 ? 127 : extra == 2 ? 126 : n));
    for (size_t i = 0; i < extra; i++)
        out[2 + i] = (uint8_t)((uint64_t)n >> 8 * (extra - 1 - i));
    return 2 + extra;
}

/* Sends one final frame out of two parts, masked with fresh random bytes (section 5.3). */
static bool send_frame(WebSocket *ws, int opcode, Bytes first, Bytes second, int64_t deadline_ms, Error *err)
{
    size_t n = first.len + second.len, size = 14 + n;
    uint8_t *out = xmalloc(size);
    size_t at = frame_head(out, opcode, n);
    const uint8_t *mask = out + at;
    random_bytes(out + at, 4);
    uint8_t *payload = out + at + 4;
    if (first.len)
        memcpy(payload, first.data, first.len);
    if (second.len)
        memcpy(payload + first.len, second.data, second.len);
    for (size_t i = 0; i < n; i++)
        payload[i] ^= mask[i % 4];
    bool ok = stream_write(ws->stream, out, at + 4 + n, deadline_ms, err);
    secret_free(out, size);
    if (!ok)
        ws->ended = true; /* part of a frame may be out */
    return ok;
}

/* Answers ping and close. *ret_end = true after a close. */
static bool control_frame(WebSocket *ws, const Frame *frame, bool *ret_end, int64_t deadline_ms, Error *err)
{
    const Bytes none = {NULL, 0}, payload = {frame->payload, frame->len};
    if (frame->opcode == OP_PING)
        return send_frame(ws, OP_PONG, payload, none, deadline_ms, err);
    if (frame->opcode == OP_CLOSE) {
        if (frame->len == 1)
            return violation(ws, "a close frame has half a status", err);
        const Bytes status = {frame->payload, frame->len < 2 ? 0 : 2};
        (void)send_frame(ws, OP_CLOSE, status, none, deadline_ms, NULL); /* the peer may be gone already */
        ws->ended = true;
        *ret_end = true;
    }
    return true;
}

bool websocket_read(WebSocket *ws, Str *ret_message, bool *ret_end, int64_t deadline_ms, Error *err)
{
    str_clear(ret_message);
    *ret_end = false;
    if (ws->ended)
        return error_set(err, ERR_RETRY, "the WebSocket session has ended");
    for (;;) {
        Frame frame = {0};
        if (!next_frame(ws, &frame, deadline_ms, err))
            return false;
        if (frame.opcode >= OP_CLOSE) {
            if (!control_frame(ws, &frame, ret_end, deadline_ms, err))
                return false;
            if (*ret_end)
                return true;
            continue;
        }
        str_append_n(&ws->message, frame.payload, frame.len);
        ws->in_message = !frame.fin;
        if (frame.fin)
            break;
    }
    str_append_n(ret_message, str_text(&ws->message), ws->message.len);
    str_clear(&ws->message);
    return true;
}

bool websocket_write(WebSocket *ws, const Bytes parts[2], int64_t deadline_ms, Error *err)
{
    if (ws->ended)
        return error_set(err, ERR_RETRY, "the WebSocket session has ended");
    return send_frame(ws, OP_BINARY, parts[0], parts[1], deadline_ms, err);
}

WebSocket *websocket_free(WebSocket *ws)
{
    static const uint8_t normal_closure[] = {1000 >> 8, 1000 & 0xff};
    if (!ws)
        return NULL;
    if (!ws->ended)
        (void)send_frame(ws, OP_CLOSE, (Bytes){normal_closure, 2}, (Bytes){NULL, 0}, clock_ms() + FAREWELL_MS, NULL);
    stream_free(ws->stream);
    str_free(&ws->in);
    str_free(&ws->message);
    free(ws);
    return NULL;
}
