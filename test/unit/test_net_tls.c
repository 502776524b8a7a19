/* TLS streams against a real TLS server: trust, names, client certificates, layers below. */
#include "tls_peer.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(test_good),
        WITH_PEER(test_trust),
        WITH_PEER(test_unusable_options),
        WITH_PEER(test_client_certificate),
        WITH_PEER(test_client_certificate_refused),
        WITH_PEER(test_over_any_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
