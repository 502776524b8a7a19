/* Server contexts: TLS 1.2 and 1.3, forward secrecy, HTTP/1.1 by ALPN, client certificates by CA and name. */
#include "net/tls_accept.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls_context.h"
#include "net/tls_names.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PEM (256 * 1024)
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20" /* of TLS 1.2; all of 1.3 are as good */

/* What tells one version of a file from another; all zeros for none. */
typedef struct FileMark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
} FileMark;

struct TlsServer {
    TlsServerOptions options;
    FileMark marks[3];
    pthread_mutex_t lock; /* of `context` */
    SSL_CTX *context;
};

static bool is_set(const char *text)
{
    return text && *text;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len, void *context)
{
    static const unsigned char wanted[] = "\x08http/1.1";
    unsigned char *selected;
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&selected, out_len, wanted, sizeof(wanted) - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2 */
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* The chain first, then whose it is. */
static int verify_client(X509_STORE_CTX *store, void *names)
{
    if (X509_verify_cert(store) <= 0)
        return 0;
    if (!is_set(names) || tls_certificate_has_name(X509_STORE_CTX_get0_cert(store), names))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

static bool demand_client(SSL_CTX *ctx, const TlsServerOptions *options, Error *err)
{
    CLEANUP_STR Str pem = STR_INIT;
    if (!file_read(options->client_ca, MAX_PEM, &pem, err))
        return false;
    if (!tls_context_trust(ctx, str_text(&pem), err))
        return error_wrap(err, "%s", options->client_ca);
    const STACK_OF(X509_OBJECT) *roots = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    for (int i = 0; i < sk_X509_OBJECT_num(roots); i++) {
        X509 *root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(roots, i));
        if (root && SSL_CTX_add_client_CA(ctx, root) != 1)
            return error_set(err, ERR_INTERNAL, "%s: OpenSSL cannot name it to clients", options->client_ca);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify_client, (void *)options->client_names);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET); /* a resumed session would skip the check */
    return true;
}

static void configure(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, CIPHERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* A request cut short is told by HTTP's own lengths (RFC 9112, 9.8), so the end of TCP without close_notify is an end too. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
}

static bool load(const TlsServerOptions *options, SSL_CTX **ret, Error *err)
{
    CLEANUP_STR Str certificate = STR_INIT, key = STR_INIT;
    ERR_clear_error();
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return error_set(err, ERR_INTERNAL, "OpenSSL cannot make a TLS context");
    configure(ctx);
    bool ok = file_read(options->certificate, MAX_PEM, &certificate, err) && file_read(options->key, MAX_PEM, &key, err) &&
              (tls_context_present(ctx, str_text(&certificate), str_text(&key), err) ||
               error_wrap(err, "%s with %s", options->certificate, options->key)) &&
              (!is_set(options->client_ca) || demand_client(ctx, options, err));
    ERR_clear_error();
    if (ok)
        *ret = TAKE(ctx);
    return ok;
}

/* Whole days (negative: past) until the first certificate of the chain expires. */
static int days_left(SSL_CTX *ctx)
{
    STACK_OF(X509) *chain = NULL;
    int least, days, seconds;
    if (ASN1_TIME_diff(&least, &seconds, NULL, X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) != 1)
        return -1;
    least -= seconds < 0;
    SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(sk_X509_value(chain, i))) == 1 && days - (seconds < 0) < least)
            least = days - (seconds < 0);
    return least;
}

static FileMark mark(const char *path)
{
    struct stat s;
    if (!is_set(path) || stat(path, &s) != 0)
        return (FileMark){0};
    return (FileMark){.device = s.st_dev, .inode = s.st_ino, .size = s.st_size, .modified = s.st_mtim};
}

static bool same_mark(const FileMark *a, const FileMark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

/* Takes the marks first: a file that changes while it is read is read again. Gives whether one differs from the last time. */
static bool files_changed(TlsServer *t)
{
    const char *const paths[] = {t->options.certificate, t->options.key, t->options.client_ca};
    bool changed = false;
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        FileMark now = mark(paths[i]);
        changed |= !same_mark(&now, &t->marks[i]);
        t->marks[i] = now;
    }
    return changed;
}

static void log_loaded(const TlsServer *t, SSL_CTX *ctx)
{
    char text[16];
    struct stat s;
    int days = days_left(ctx);
    snprintf(text, sizeof(text), "%d", days);
    log_event(days < 0 ? LOG_WARN : LOG_INFO, days < 0 ? "TLS certificate has expired" : "TLS certificate loaded", "certificate",
              t->options.certificate, "days_left", text, NULL);
    if (stat(t->options.key, &s) == 0 && s.st_mode & S_IROTH)
        log_event(LOG_WARN, "TLS key can be read by everybody on this machine", "key", t->options.key, NULL);
}

bool tls_server_new(const TlsServerOptions *options, TlsServer **ret, Error *err)
{
    TlsServer *t = xcalloc(1, sizeof(*t));
    t->options = *options;
    pthread_mutex_init(&t->lock, NULL);
    files_changed(t);
    if (!load(options, &t->context, err)) {
        tls_server_free(t);
        return error_wrap(err, "TLS");
    }
    log_loaded(t, t->context);
    *ret = t;
    return true;
}

TlsServer *tls_server_free(TlsServer *t)
{
    if (t) {
        SSL_CTX_free(t->context);
        pthread_mutex_destroy(&t->lock);
        free(t);
    }
    return NULL;
}

void tls_server_refresh(TlsServer *t, bool anyway)
{
    SSL_CTX *fresh;
    Error err;
    if (!files_changed(t) && !anyway)
        return;
    if (!load(&t->options, &fresh, &err)) {
        log_error("TLS certificate not loaded, the old one stays", &err, NULL);
        return;
    }
    log_loaded(t, fresh);
    pthread_mutex_lock(&t->lock);
    SSL_CTX *old = t->context;
    t->context = fresh;
    pthread_mutex_unlock(&t->lock);
    SSL_CTX_free(old); /* connections hold references of their own */
}

SSL *tls_server_accept(TlsServer *t, int fd)
{
    pthread_mutex_lock(&t->lock);
    SSL *ssl = SSL_new(t->context);
    pthread_mutex_unlock(&t->lock);
    if (!ssl || SSL_set_fd(ssl, fd) != 1)
        abort(); /* out of memory */
    SSL_set_accept_state(ssl);
    return ssl;
}

bool tls_server_check(const TlsServerOptions *options, int *ret_days, Error *err)
{
    CLEANUP(SSL_CTX_free) SSL_CTX *ctx = NULL;
    if (!load(options, &ctx, err))
        return false;
    *ret_days = days_left(ctx);
    if (*ret_days < 0)
        return error_set(err, ERR_INVALID, "%s: a certificate of it has expired", options->certificate);
    if (X509_cmp_current_time(X509_get0_notBefore(SSL_CTX_get0_certificate(ctx))) > 0)
        return error_set(err, ERR_INVALID, "%s: the certificate is not valid yet", options->certificate);
    return true;
}
