/* The server's side of TLS: certificate files, which clients may come, and renewal while it runs. */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "base/error.h"

/* Paths and names; borrowed for as long as the TlsServer lives. */
typedef struct TlsServerOptions {
    const char *certificate;  /* PEM file: the server's certificate, then the rest of its chain */
    const char *key;          /* PEM file */
    const char *client_ca;    /* PEM file: clients must present a certificate that one of these signed; NULL or "": none is asked for */
    const char *client_names; /* comma list: the subject CN or the SAN (DNS, email, URI) that such a certificate must carry; NULL or "": any */
} TlsServerOptions;

typedef struct TlsServer TlsServer;

/* Loads the files. false: ERR_INVALID or ERR_NOT_FOUND, naming path and reason. */
MUST_CHECK bool tls_server_new(const TlsServerOptions *options, TlsServer **ret, Error *err);
/* NULL accepted. Returns NULL. */
TlsServer *tls_server_free(TlsServer *t);
DEFINE_CLEANUP(TlsServer *, tls_server_free)

/* Loads the files again when they have changed (or `anyway`): new handshakes use them. Files that cannot be used are logged, and the old ones stay. One thread only. */
void tls_server_refresh(TlsServer *t, bool anyway);

/* Whether the files can be used and are valid now. *ret_days: whole days until the first certificate of the chain expires. false: ERR_INVALID or ERR_NOT_FOUND. */
MUST_CHECK bool tls_server_check(const TlsServerOptions *options, int *ret_days, Error *err);

#endif
