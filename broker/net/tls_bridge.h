/*
 * TLS in front of a server that speaks plain text: two threads do the handshakes and carry the bytes between each client and a socket
 * pair, whose other end the server gets as if it had accepted it.
 */
#ifndef NET_TLS_BRIDGE_H
#define NET_TLS_BRIDGE_H

#include "net/tls_server.h"

#include <sys/socket.h>

typedef struct TlsBridge TlsBridge;

typedef struct TlsBridgeOptions {
    TlsServerOptions tls;
    int max_connections; /* more are refused; those in handshake count */
    int handshake_ms;    /* for a whole handshake */
    int idle_ms;         /* for a client that takes nothing of its answer; the server's own limit ends connections on which nothing happens */
    /* Takes over a plain connection of a client at that address; called on the bridge's threads. */
    void (*take)(void *context, int fd, const struct sockaddr *address, socklen_t address_len);
    void (*refuse)(void *context, int fd); /* closes a connection that is one too many; called by tls_bridge_add */
    void *context;
} TlsBridgeOptions;

/* Loads the certificate and starts; its files are looked at every 5 s and used when they have changed. Aborts if the system has no thread left. false: ERR_INVALID, ERR_NOT_FOUND. */
MUST_CHECK bool tls_bridge_start(const TlsBridgeOptions *options, TlsBridge **ret, Error *err);
/* Takes over an accepted, non-blocking socket. Any thread. */
void tls_bridge_add(TlsBridge *b, int fd, const struct sockaddr *address, socklen_t address_len);
/* Loads the certificate again soon. Any thread. */
void tls_bridge_reload(TlsBridge *b);
/* From the return on `take` is not called any more; open connections go on. */
void tls_bridge_close(TlsBridge *b);
/* Sends what the server has written (it has closed all its ends by now), at most for 1 s, closes all connections, releases. After tls_bridge_close. Returns NULL; NULL accepted. */
TlsBridge *tls_bridge_stop(TlsBridge *b);

#endif
