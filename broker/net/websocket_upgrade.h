/* The HTTP/1.1 request and answer that turn a stream into a WebSocket (RFC 6455 section 4.1). */
#ifndef NET_WEBSOCKET_UPGRADE_H
#define NET_WEBSOCKET_UPGRADE_H

#include "base/str.h"
#include "net/websocket.h"

/* Upgrades; *rest gets the bytes that came after the answer's head. false: as websocket_connect. */
MUST_CHECK bool websocket_upgrade(Stream *stream, const WebSocketRequest *request, int64_t deadline_ms, Str *rest,
                                  Error *err);

#endif
