/* TCP and TLS streams against a real TLS server thread: trust, names, client certificates, deadlines, broken peers. */
#include "base/clock.h"
#include "net/stream.h"
#include "net_server.h"
#include "pki/pki.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef enum Mode { ECHO_BYTES, SILENT, TEXT, LATE, CUT, GONE } Mode;

typedef struct Peer {
    Identity ca, stranger, server, client, strange_client;
    SSL_CTX *context;
    Mode mode;
    Server server_thread;
} Peer;

static X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return cert;
}

static void echo(SSL *ssl)
{
    char block[4096];
    for (int n; (n = SSL_read(ssl, block, sizeof(block))) > 0;) {
        bool end = block[n - 1] == '$';
        if (SSL_write(ssl, block, n) != n || end)
            break;
    }
    SSL_shutdown(ssl);
}

static void serve(int fd, void *argument)
{
    Peer *peer = argument;
    char block[64];
    if (peer->mode == SILENT || peer->mode == TEXT) {
        if (peer->mode == TEXT)
            server_say(fd, "HTTP/1.1 400 this is not TLS\r\n\r\n");
        while (recv(fd, block, sizeof(block), 0) > 0)
            ;
        return;
    }
    SSL *ssl = SSL_new(peer->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        if (peer->mode == ECHO_BYTES)
            echo(ssl);
        if (peer->mode == LATE) {
            clock_sleep_ms(300);
            SSL_write(ssl, "late", 4);
            echo(ssl);
        }
        if (peer->mode == CUT)
            SSL_write(ssl, "half", 4);
    }
    SSL_free(ssl); /* without close_notify unless echo() sent it */
}

static void peer_context(Peer *peer, bool want_client, int max_version)
{
    SSL_CTX_free(peer->context);
    peer->context = SSL_CTX_new(TLS_server_method());
    BIO *key_bio = BIO_new_mem_buf(peer->server.key_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    X509 *cert = cert_of(peer->server.cert_pem), *ca = cert_of(peer->ca.cert_pem);
    SSL_CTX_set_max_proto_version(peer->context, max_version);
    assert_int_equal(SSL_CTX_use_certificate(peer->context, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(peer->context, key), 1);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(peer->context), ca);
    if (want_client)
        SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    BIO_free(key_bio);
}

static int setup(void **state)
{
    static const char *const names[] = {"broker.test", NULL};
    static const char *const addresses[] = {"127.0.0.1", NULL};
    const LeafRequest server = {.common_name = "server", .dns_names = names, .ip_addresses = addresses, .days = 1, .server = true};
    const LeafRequest client = {.common_name = "client", .days = 1, .client = true};
    Peer *peer = xcalloc(1, sizeof(*peer));
    Error err = {0};
    if (!pki_ca_new("ca", 1, &peer->ca, &err) || !pki_ca_new("ca", 1, &peer->stranger, &err) ||
        !pki_leaf_new(&peer->ca, &server, &peer->server, &err) || !pki_leaf_new(&peer->ca, &client, &peer->client, &err) ||
        !pki_leaf_new(&peer->stranger, &client, &peer->strange_client, &err))
        fail_msg("%s", err.text);
    server_start(&peer->server_thread, serve, peer);
    *state = peer;
    return 0;
}

static int teardown(void **state)
{
    Peer *peer = *state;
    server_stop(&peer->server_thread);
    SSL_CTX_free(peer->context);
    Identity *all[] = {&peer->ca, &peer->stranger, &peer->server, &peer->client, &peer->strange_client};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        identity_free(all[i]);
    free(peer);
    return 0;
}

/* Each test sets the mode before it connects; accept(2) and connect(2) order the accesses. */
static Stream *tcp(Peer *peer)
{
    Error err = {0};
    Stream *s = NULL;
    if (!tcp_stream_new("127.0.0.1", peer->server_thread.port, clock_ms() + 3000, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static TlsOptions trusting(const Peer *peer)
{
    return (TlsOptions){.ca_pem = peer->ca.cert_pem, .server_name = "broker.test"};
}

static Stream *tls(Peer *peer, const TlsOptions *options)
{
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    if (!tls_stream_new(&below, options, clock_ms() + 3000, &s, &err))
        fail_msg("%s", err.text);
    assert_null(below);
    return s;
}

static void tls_refused(Peer *peer, const TlsOptions *options, ErrorKind kind, const char *part)
{
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    assert_false(tls_stream_new(&below, options, clock_ms() + 3000, &s, &err));
    assert_null(below);
    assert_null(s);
    if (err.kind != kind || !strstr(err.text, part))
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
}

static void exchange(Stream *s, size_t n)
{
    Error err = {0};
    CLEANUP_FREE char *out = xmalloc(n), *in = xcalloc(n, 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (char)('a' + i % 26);
    for (size_t done = 0; done < n;) { /* in turns, so that neither side waits for the other to read */
        size_t part = n - done < 16000 ? n - done : 16000;
        assert_true(stream_write(s, out + done, part, clock_ms() + 3000, &err));
        assert_true(stream_read_all(s, in + done, part, clock_ms() + 3000, &err));
        done += part;
    }
    assert_memory_equal(out, in, n);
}

static void test_good(void **state)
{
    Peer *peer = *state;
    Error err = {0};
    peer->mode = ECHO_BYTES;
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    const char *const names[] = {"broker.test", "127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        peer_context(peer, false, versions[i]);
        TlsOptions options = trusting(peer);
        options.server_name = names[i];
        options.alpn = "http/1.1";
        CLEANUP(stream_free) Stream *s = tls(peer, &options);
        exchange(s, 300000);
        CLEANUP_FREE char *serial = tls_stream_peer_serial(s);
        X509 *cert = cert_of(peer->server.cert_pem);
        BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
        char *expected = BN_bn2hex(number);
        assert_string_equal(serial, expected);
        OPENSSL_free(expected);
        BN_free(number);
        X509_free(cert);
        char end[4];
        size_t n = 9;
        assert_true(stream_write(s, "$", 1, clock_ms() + 3000, &err));
        assert_true(stream_read_all(s, end, 1, clock_ms() + 3000, &err));
        assert_true(stream_read(s, end, sizeof(end), &n, clock_ms() + 3000, &err));
        assert_int_equal(n, 0);
        assert_false(stream_read_all(s, end, 1, clock_ms() + 3000, &err));
        assert_int_equal(err.kind, ERR_RETRY);
    }
}

static void test_trust(void **state)
{
    Peer *peer = *state;
    peer->mode = ECHO_BYTES;
    peer_context(peer, false, TLS1_3_VERSION);
    TlsOptions options = trusting(peer);
    options.ca_pem = peer->stranger.cert_pem;
    tls_refused(peer, &options, ERR_DENIED, "not trusted");
    options = trusting(peer);
    options.server_name = "other.test";
    tls_refused(peer, &options, ERR_DENIED, "other.test: TLS handshake: the peer's certificate is not trusted");
    options.server_name = "127.0.0.2";
    tls_refused(peer, &options, ERR_DENIED, "127.0.0.2");
    options.server_name = "server"; /* the common name does not count */
    tls_refused(peer, &options, ERR_DENIED, "server");
}

static void test_unusable_options(void **state)
{
    Peer *peer = *state;
    peer->mode = ECHO_BYTES;
    peer_context(peer, false, TLS1_3_VERSION);
    TlsOptions options = trusting(peer);
    options.ca_pem = NULL;
    tls_refused(peer, &options, ERR_INVALID, "CA certificates");
    options.ca_pem = "nothing";
    tls_refused(peer, &options, ERR_INVALID, "no PEM certificate");
    options = trusting(peer);
    options.server_name = "";
    tls_refused(peer, &options, ERR_INVALID, "name");
    options = trusting(peer);
    options.cert_pem = peer->client.cert_pem;
    tls_refused(peer, &options, ERR_INVALID, "together");
    options.key_pem = peer->server.key_pem;
    tls_refused(peer, &options, ERR_INVALID, "does not belong");
    options.key_pem = "junk";
    tls_refused(peer, &options, ERR_INVALID, "private key");
    options.cert_pem = "junk", options.key_pem = peer->client.key_pem;
    tls_refused(peer, &options, ERR_INVALID, "own certificate");
}

static void test_client_certificate(void **state)
{
    Peer *peer = *state;
    peer->mode = ECHO_BYTES;
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        peer_context(peer, true, versions[i]);
        TlsOptions options = trusting(peer);
        options.cert_pem = peer->client.cert_pem, options.key_pem = peer->client.key_pem;
        CLEANUP(stream_free) Stream *s = tls(peer, &options);
        exchange(s, 1000);
    }
}

/* TLS 1.2 refuses within the handshake, TLS 1.3 on the first read after it. */
static void test_client_certificate_refused(void **state)
{
    Peer *peer = *state;
    peer->mode = ECHO_BYTES;
    TlsOptions none = trusting(peer), strange = none;
    strange.cert_pem = peer->strange_client.cert_pem, strange.key_pem = peer->strange_client.key_pem;
    const TlsOptions *const options[] = {&none, &strange};
    for (size_t i = 0; i < 2; i++) {
        peer_context(peer, true, TLS1_2_VERSION);
        tls_refused(peer, options[i], ERR_DENIED, "refused this client's certificate");
        peer_context(peer, true, TLS1_3_VERSION);
        CLEANUP(stream_free) Stream *s = tls(peer, options[i]);
        char block[4];
        size_t n;
        Error err = {0};
        assert_false(stream_read(s, block, sizeof(block), &n, clock_ms() + 3000, &err));
        assert_int_equal(err.kind, ERR_DENIED);
        assert_non_null(strstr(err.text, "refused this client's certificate"));
        assert_false(stream_write(s, "x", 1, clock_ms() + 3000, &err));
    }
}

static void test_silent_peer(void **state)
{
    Peer *peer = *state;
    peer->mode = SILENT;
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    const TlsOptions options = trusting(peer);
    int64_t start = clock_ms();
    assert_false(tls_stream_new(&below, &options, start + 150, &s, &err));
    assert_in_range(clock_ms() - start, 140, 1500);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
}

static void test_read_deadline_leaves_stream_usable(void **state)
{
    Peer *peer = *state;
    peer->mode = LATE;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    char block[8] = "";
    size_t n;
    Error err = {0};
    assert_false(stream_read(s, block, sizeof(block), &n, clock_ms() + 50, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
    assert_true(stream_read_all(s, block, 4, clock_ms() + 3000, &err));
    assert_string_equal(block, "late");
    exchange(s, 100);
}

static void test_broken_peers(void **state)
{
    Peer *peer = *state;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    peer->mode = TEXT;
    tls_refused(peer, &options, ERR_RETRY, "TLS handshake");
    peer->mode = CUT;
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    char block[8];
    size_t n;
    Error err = {0};
    assert_true(stream_read_all(s, block, 4, clock_ms() + 3000, &err));
    assert_false(stream_read(s, block, 4, &n, clock_ms() + 3000, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "without notice"));
}

/* The peer resets; writing on must end in an error and not in SIGPIPE. */
static void test_write_to_closed(void **state)
{
    Peer *peer = *state;
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    peer->mode = GONE;
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    static const char block[16384];
    Error err = {0};
    int64_t end = clock_ms() + 3000;
    while (stream_write(s, block, sizeof(block), end, &err))
        assert_true(clock_ms() < end);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_false(stream_write(s, block, 1, end, &err));
}

static void test_write_deadline(void **state)
{
    Peer *peer = *state;
    peer->mode = LATE; /* does not read for 300 ms */
    peer_context(peer, false, TLS1_3_VERSION);
    const TlsOptions options = trusting(peer);
    CLEANUP(stream_free) Stream *s = tls(peer, &options);
    CLEANUP_FREE char *big = xcalloc(1, 32 << 20);
    Error err = {0};
    assert_false(stream_write(s, big, 32 << 20, clock_ms() + 100, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, "timed out"));
}

static void test_tcp_refused(void **state)
{
    Peer *peer = *state;
    peer->mode = SILENT;
    Error err = {0};
    Stream *s = NULL;
    Server gone;
    server_start(&gone, serve, peer);
    server_stop(&gone);
    CLEANUP_FREE char *where = xasprintf("127.0.0.1:%s", gone.port);
    assert_false(tcp_stream_new("127.0.0.1", gone.port, clock_ms() + 3000, &s, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.text, where));
    assert_false(tcp_stream_new("127.0.0.1", "http-alt", clock_ms() + 3000, &s, &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_null(s);
    assert_null(tls_stream_peer_serial(NULL));
    CLEANUP(stream_free) Stream *plain = tcp(peer);
    assert_null(tls_stream_peer_serial(plain));
    assert_null(stream_free(NULL));
}

/* A stream that gives one byte at a time: TLS must not depend on how the layer below cuts. */
typedef struct Drip {
    Stream stream;
    Stream *below;
} Drip;

static bool drip_read(Stream *s, void *buffer, size_t max, size_t *ret_n, int64_t deadline_ms, Error *err)
{
    (void)max;
    return stream_read(((Drip *)s)->below, buffer, 1, ret_n, deadline_ms, err);
}

static bool drip_write(Stream *s, const void *bytes, size_t n, int64_t deadline_ms, Error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!stream_write(((Drip *)s)->below, (const char *)bytes + i, 1, deadline_ms, err))
            return false;
    return true;
}

static void drip_free(Stream *s)
{
    stream_free(((Drip *)s)->below);
    free(s);
}

static void test_over_any_stream(void **state)
{
    static const StreamOps ops = {drip_read, drip_write, drip_free};
    Peer *peer = *state;
    peer->mode = ECHO_BYTES;
    peer_context(peer, true, TLS1_3_VERSION);
    TlsOptions options = trusting(peer);
    options.cert_pem = peer->client.cert_pem, options.key_pem = peer->client.key_pem;
    Drip *drip = xcalloc(1, sizeof(*drip));
    drip->stream.ops = &ops;
    drip->below = tcp(peer);
    Stream *taken = &drip->stream;
    CLEANUP(stream_free) Stream *s = NULL;
    Error err = {0};
    assert_true(tls_stream_new(&taken, &options, clock_ms() + 3000, &s, &err));
    exchange(s, 5000);
}

#define WITH_PEER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(test_good),
        WITH_PEER(test_trust),
        WITH_PEER(test_unusable_options),
        WITH_PEER(test_client_certificate),
        WITH_PEER(test_client_certificate_refused),
        WITH_PEER(test_silent_peer),
        WITH_PEER(test_read_deadline_leaves_stream_usable),
        WITH_PEER(test_broken_peers),
        WITH_PEER(test_write_to_closed),
        WITH_PEER(test_write_deadline),
        WITH_PEER(test_tcp_refused),
        WITH_PEER(test_over_any_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
