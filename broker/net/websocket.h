/* WebSocket client (RFC 6455) over a stream: upgrade, binary frames, ping/pong, close. */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "base/str.h"
#include "net/stream.h"

typedef struct WebSocket WebSocket;

typedef struct WebSocketRequest {
    const char *host;               /* Host header */
    const char *path;               /* path and query, already percent-encoded */
    const char *const *headers;     /* extra "Name: value" lines, NULL-terminated; may be NULL. Never logged. */
    const char *subprotocol;        /* the one asked for; the server must choose it */
} WebSocketRequest;

/*
 * Upgrades *taken (consumed in any case). false: by the HTTP status: 401/403 ERR_DENIED, 404 ERR_NOT_FOUND, 429 and 5xx ERR_RETRY
 * (Retry-After kept), else ERR_INTERNAL; the text has status and up to 200 bytes of the body.
 */
MUST_CHECK bool websocket_connect(Stream **taken, const WebSocketRequest *request, int64_t deadline_ms, WebSocket **ret,
                                  Error *err);
/* Next data message (fragments joined, at most 4 MiB) into *ret_message (cleared first). Answers pings. *ret_end = true when the peer closed. */
MUST_CHECK bool websocket_read(WebSocket *ws, Str *ret_message, bool *ret_end, int64_t deadline_ms, Error *err);
/* A run of bytes; borrowed. */
typedef struct Bytes {
    const void *data;
    size_t len;
} Bytes;

/* One masked binary frame out of two parts (either may be empty). */
MUST_CHECK bool websocket_write(WebSocket *ws, const Bytes parts[2], int64_t deadline_ms, Error *err);
/* Sends close (1000), closes the stream. NULL accepted; returns NULL. */
WebSocket *websocket_free(WebSocket *ws);
DEFINE_CLEANUP(WebSocket *, websocket_free)

#endif
