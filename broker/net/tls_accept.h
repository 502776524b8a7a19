/* New TLS connections of a TlsServer, for the folder's own use. */
#ifndef NET_TLS_ACCEPT_H
#define NET_TLS_ACCEPT_H

#include "net/tls_server.h"

#include <openssl/ssl.h>

/* A connection over a connected, non-blocking socket (borrowed), before its handshake; any thread. The caller frees with SSL_free. */
SSL *tls_server_accept(TlsServer *t, int fd);

#endif
