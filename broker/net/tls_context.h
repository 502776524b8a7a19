/* OpenSSL contexts out of PEM texts. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "base/error.h"

#include <openssl/ssl.h>

DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free)

/*
 * A TLS 1.2+ client context that trusts only the certificates of ca_pem (NULL: none are loaded) and presents cert_pem with key_pem
 * (both or neither). The caller frees with SSL_CTX_free. false: ERR_INVALID (a PEM text is unusable; names which).
 */
MUST_CHECK bool tls_context_new(const char *ca_pem, const char *cert_pem, const char *key_pem, SSL_CTX **ret,
                                Error *err);

/* Trusts the certificates of a PEM text and no others. false: ERR_INVALID. */
MUST_CHECK bool tls_context_trust(SSL_CTX *ctx, const char *ca_pem, Error *err);
/* Presents a certificate, its chain, and signs with its key. false: ERR_INVALID (names which text is unusable, or that they do not match). */
MUST_CHECK bool tls_context_present(SSL_CTX *ctx, const char *cert_pem, const char *key_pem, Error *err);

/* Whether a TLS alert of the peer (OpenSSL reason code) says that it refuses our certificate or wants one. */
bool tls_alert_is_denial(int reason);

#endif
