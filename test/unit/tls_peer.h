/* A TLS peer for the stream tests: identities, a server thread that behaves as `mode` says, and ways to connect to it. */
#ifndef TEST_TLS_PEER_H
#define TEST_TLS_PEER_H

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

static UNUSED X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return cert;
}

static UNUSED void echo(SSL *ssl)
{
    char block[4096];
    for (int n; (n = SSL_read(ssl, block, sizeof(block))) > 0;) {
        bool end = block[n - 1] == '$';
        if (SSL_write(ssl, block, n) != n || end)
            break;
    }
    SSL_shutdown(ssl);
}

static UNUSED void serve(int fd, void *argument)
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

static UNUSED void peer_context(Peer *peer, bool want_client, int max_version)
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

static UNUSED int peer_setup(void **state)
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

static UNUSED int peer_teardown(void **state)
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
static UNUSED Stream *tcp(Peer *peer)
{
    Error err = {0};
    Stream *s = NULL;
    if (!tcp_stream_new("127.0.0.1", peer->server_thread.port, clock_ms() + 3000, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static UNUSED TlsOptions trusting(const Peer *peer)
{
    return (TlsOptions){.ca_pem = peer->ca.cert_pem, .server_name = "broker.test"};
}

static UNUSED Stream *tls(Peer *peer, const TlsOptions *options)
{
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    if (!tls_stream_new(&below, options, clock_ms() + 3000, &s, &err))
        fail_msg("%s", err.text);
    assert_null(below);
    return s;
}

static UNUSED void tls_refused(Peer *peer, const TlsOptions *options, ErrorKind kind, const char *part)
{
    Error err = {0};
    Stream *below = tcp(peer), *s = NULL;
    assert_false(tls_stream_new(&below, options, clock_ms() + 3000, &s, &err));
    assert_null(below);
    assert_null(s);
    if (err.kind != kind || !strstr(err.text, part))
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
}

static UNUSED void exchange(Stream *s, size_t n)
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

#define WITH_PEER(f) cmocka_unit_test_setup_teardown(f, peer_setup, peer_teardown)

#endif
