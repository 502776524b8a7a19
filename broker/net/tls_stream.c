/*
 * TLS client over any stream: OpenSSL reads and writes through a BIO that calls the stream below with the caller's deadline. A read
 * that met its deadline may be repeated; a failed write ends the stream.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "net/stream.h"
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { FAREWELL_MS = 200 };

typedef struct TlsStream {
    Stream stream;
    Stream *below;
    BIO_METHOD *method;
    SSL *ssl;
    int64_t deadline_ms; /* of the call that is running */
    Error below_error;   /* set when the stream below failed during this call */
    bool below_ended;
    bool broken; /* no farewell: OpenSSL must not be called after a fatal error */
} TlsStream;

DEFINE_CLEANUP(BIGNUM *, BN_free)

static int bio_read(BIO *bio, char *buffer, int max)
{
    TlsStream *t = BIO_get_data(bio);
    size_t n = 0;
    BIO_clear_retry_flags(bio);
    if (max <= 0)
        return 0;
    if (!stream_read(t->below, buffer, (size_t)max, &n, t->deadline_ms, &t->below_error)) {
        BIO_set_retry_read(bio);
        return -1;
    }
    t->below_ended = n == 0;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
    TlsStream *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (n <= 0)
        return 0;
    return stream_write(t->below, bytes, (size_t)n, t->deadline_ms, &t->below_error) ? n : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    const TlsStream *t = BIO_get_data(bio);
    return command == BIO_CTRL_FLUSH ? 1 : command == BIO_CTRL_EOF ? t->below_ended : 0;
}

/* Turns the failure of an SSL_* call into an error; the reason is the stream's, the certificate check's, or the peer's alert. */
static bool tls_failed(TlsStream *t, int result, const char *what, Error *err)
{
    int kind = SSL_get_error(t->ssl, result);
    unsigned long e = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(e);
    long verified = SSL_get_verify_result(t->ssl);
    t->broken = t->broken || kind == SSL_ERROR_SSL || kind == SSL_ERROR_SYSCALL;
    ERR_clear_error();
    if (verified != X509_V_OK)
        return error_set(err, ERR_DENIED, "%s: the peer's certificate is not trusted: %s", what,
                         X509_verify_cert_error_string(verified));
    if (t->below_error.kind != ERR_NONE)
        return error_set(err, t->below_error.kind, "%s: %s", what, t->below_error.text);
    if (kind == SSL_ERROR_SSL && ERR_GET_LIB(e) == ERR_LIB_SSL && tls_alert_is_denial(ERR_GET_REASON(e)))
        return error_set(err, ERR_DENIED, "%s: the peer refused this client's certificate: %s", what, reason);
    if (t->below_ended)
        return error_set(err, ERR_RETRY, "%s: the peer closed the connection without notice", what);
    return error_set(err, ERR_RETRY, "%s: %s", what, reason ? reason : "connection lost");
}

static void begin(TlsStream *t, int64_t deadline_ms)
{
    t->deadline_ms = deadline_ms;
    t->below_error.kind = ERR_NONE;
    ERR_clear_error();
}

static bool tls_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    TlsStream *t = (TlsStream *)s;
    size_t n = 0;
    if (t->broken)
        return error_set(err, ERR_RETRY, "TLS read: the connection has failed before");
    begin(t, deadline_ms);
    int result = SSL_read_ex(t->ssl, buffer, max, &n);
    if (result != 1 && SSL_get_error(t->ssl, result) != SSL_ERROR_ZERO_RETURN)
        return tls_failed(t, result, "TLS read", err);
    *ret_n = n;
    return true;
}

static bool tls_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    TlsStream *t = (TlsStream *)s;
    size_t written;
    if (t->broken)
        return error_set(err, ERR_RETRY, "TLS write: the connection has failed before");
    begin(t, deadline_ms);
    int result = SSL_write_ex(t->ssl, bytes, n, &written);
    if (result == 1)
        return true;
    t->broken = true; /* part of a record may be out */
    return tls_failed(t, result, "TLS write", err);
}

static void tls_free(Stream *s)
{
    TlsStream *t = (TlsStream *)s;
    if (t->ssl && !t->broken && SSL_is_init_finished(t->ssl)) {
        begin(t, clock_ms() + FAREWELL_MS);
        (void)SSL_shutdown(t->ssl); /* sends close_notify; the peer's is not awaited */
        ERR_clear_error();
    }
    SSL_free(t->ssl);
    BIO_meth_free(t->method);
    stream_free(t->below);
    free(t);
}

static const StreamOps tls_ops = {tls_read, tls_write, tls_free};

static BIO *bio_over(TlsStream *t)
{
    t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
    if (!t->method)
        return NULL;
    BIO_meth_set_read(t->method, bio_read);
    BIO_meth_set_write(t->method, bio_write);
    BIO_meth_set_ctrl(t->method, bio_ctrl);
    BIO *bio = BIO_new(t->method);
    if (bio) {
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
    }
    return bio;
}

static bool is_address(const char *name)
{
    unsigned char out[16];
    return inet_pton(AF_INET, name, out) == 1 || inet_pton(AF_INET6, name, out) == 1;
}

/* RFC 6125: the certificate must carry exactly this name; SNI (RFC 6066) is for names only, never for addresses. */
static bool set_name(SSL *ssl, const char *name)
{
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool set_alpn(SSL *ssl, const char *protocol)
{
    unsigned char list[256];
    size_t n = strlen(protocol);
    if (n == 0 || n > 255)
        return false;
    list[0] = (unsigned char)n;
    memcpy(list + 1, protocol, n);
    return SSL_set_alpn_protos(ssl, list, (unsigned)n + 1) == 0;
}

static bool prepare(TlsStream *t, const TlsOptions *options, Error *err)
{
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = NULL;
    if (!options->ca_pem || !options->server_name || !*options->server_name)
        return error_set(err, ERR_INVALID, "TLS needs CA certificates and the server's name");
    if (!tls_context_new(options->ca_pem, options->cert_pem, options->key_pem, &ctx, err))
        return false;
    t->ssl = SSL_new(ctx);
    BIO *bio = t->ssl ? bio_over(t) : NULL;
    if (!bio)
        return error_set(err, ERR_INTERNAL, "OpenSSL cannot make a TLS connection");
    SSL_set_bio(t->ssl, bio, bio);
    if (!set_name(t->ssl, options->server_name))
        return error_set(err, ERR_INVALID, "TLS cannot check for the server name \"%s\"", options->server_name);
    if (options->alpn && !set_alpn(t->ssl, options->alpn))
        return error_set(err, ERR_INVALID, "TLS cannot offer the protocol \"%s\"", options->alpn);
    return true;
}

bool tls_stream_new(Stream **taken, const TlsOptions *options, int64_t deadline_ms, Stream **ret, Error *err)
{
    TlsStream *t = xcalloc(1, sizeof(*t));
    t->stream.ops = &tls_ops;
    t->below = TAKE(*taken);
    CLEANUP(stream_free) Stream *owned = &t->stream;
    if (!prepare(t, options, err))
        return false;
    begin(t, deadline_ms);
    int result = SSL_connect(t->ssl);
    if (result != 1) {
        tls_failed(t, result, "TLS handshake", err);
        t->broken = true;
        return error_wrap(err, "%s", options->server_name);
    }
    *ret = TAKE(owned);
    return true;
}

char *tls_stream_peer_serial(Stream *s)
{
    if (!s || s->ops != &tls_ops)
        return NULL;
    const X509 *cert = SSL_get0_peer_certificate(((TlsStream *)s)->ssl);
    CLEANUP(BN_free) BIGNUM *number = cert ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL) : NULL;
    char *hex = number ? BN_bn2hex(number) : NULL;
    char *copy = xstrdup(hex);
    OPENSSL_free(hex);
    return copy;
}
