/* OpenSSL contexts out of PEM texts; encrypted keys are refused instead of asking a terminal. */
#include "net/tls_context.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

static BIO *text_bio(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (!bio)
        abort(); /* out of memory */
    return bio;
}

/* Whether the text ended after the last certificate, and not within a broken one. */
static bool ended_cleanly(void)
{
    unsigned long e = ERR_peek_last_error();
    bool clean = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return clean;
}

bool tls_context_trust(SSL_CTX *ctx, const char *ca_pem, Error *err)
{
    CLEANUP(BIO_free_all) BIO *bio = text_bio(ca_pem);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    int count = 0;
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, (void *)"")); count++) {
        int ok = X509_STORE_add_cert(store, cert);
        X509_free(cert);
        if (!ok)
            return error_set(err, ERR_INVALID, "CA certificates: certificate %d cannot be used", count + 1);
    }
    if (!ended_cleanly())
        return error_set(err, ERR_INVALID, "CA certificates: certificate %d is not valid PEM", count + 1);
    if (count == 0)
        return error_set(err, ERR_INVALID, "CA certificates: the text has no PEM certificate");
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN); /* an intermediate may be the trusted one, as in Go and Java */
    return true;
}

static bool load_chain(SSL_CTX *ctx, const char *cert_pem, Error *err)
{
    CLEANUP(BIO_free_all) BIO *bio = text_bio(cert_pem);
    int count = 0;
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, (void *)"")); count++) {
        int ok = count == 0 ? SSL_CTX_use_certificate(ctx, cert) : (int)SSL_CTX_add1_chain_cert(ctx, cert);
        X509_free(cert);
        if (!ok)
            return error_set(err, ERR_INVALID, "own certificate %d cannot be used", count + 1);
    }
    if (!ended_cleanly() || count == 0)
        return error_set(err, ERR_INVALID, "own certificate: not a PEM certificate");
    return true;
}

bool tls_context_present(SSL_CTX *ctx, const char *cert_pem, const char *key_pem, Error *err)
{
    if (!cert_pem || !key_pem)
        return error_set(err, ERR_INVALID, "own certificate and private key must be given together");
    if (!load_chain(ctx, cert_pem, err))
        return false;
    CLEANUP(BIO_free_all) BIO *bio = text_bio(key_pem);
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
    if (!key)
        return error_set(err, ERR_INVALID, "private key: not an unencrypted PEM private key");
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return error_set(err, ERR_INVALID, "private key: it does not belong to the own certificate");
    return true;
}

bool tls_context_new(const char *ca_pem, const char *cert_pem, const char *key_pem, SSL_CTX **ret, Error *err)
{
    ERR_clear_error();
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return error_set(err, ERR_INTERNAL, "OpenSSL cannot make a TLS context");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(ctx, 1);
    bool ok = (!ca_pem || tls_context_trust(ctx, ca_pem, err)) &&
              ((!cert_pem && !key_pem) || tls_context_present(ctx, cert_pem, key_pem, err));
    ERR_clear_error();
    if (ok)
        *ret = TAKE(ctx);
    return ok;
}

bool tls_alert_is_denial(int reason)
{
    switch (reason - SSL_AD_REASON_OFFSET) {
    case SSL_AD_HANDSHAKE_FAILURE: /* a TLS 1.2 server that got no certificate */
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
        return true;
    default:
        return false;
    }
}
