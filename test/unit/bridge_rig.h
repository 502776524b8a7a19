/* A TLS bridge under test: certificates in files, clients on socket pairs, and the plain ends that the bridge hands to its server. */
#ifndef UNIT_BRIDGE_RIG_H
#define UNIT_BRIDGE_RIG_H

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls_bridge.h"
#include "pki/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

typedef struct Rig {
    Identity ca, server, renewed, client, stranger;
    char folder[32], certificate[64], key[64], client_ca[64];
    TlsBridgeOptions options;
    TlsBridge *bridge;
    int taken[2]; /* a pipe of the plain ends */
} Rig;

typedef struct Client {
    int fd;
    SSL *ssl;
} Client;

static UNUSED void take(void *context, int fd, const struct sockaddr *address, socklen_t address_len)
{
    Rig *rig = context;
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    if (address_len != sizeof(*in) || in->sin_family != AF_INET || ntohs(in->sin_port) != 4711 || write(rig->taken[1], &fd, sizeof(fd)) != sizeof(fd))
        abort();
}

static UNUSED void refuse(void *context, int fd)
{
    (void)context;
    close(fd);
}

static UNUSED void write_file(const char *path, const char *text)
{
    char next[80];
    snprintf(next, sizeof(next), "%s.new", path);
    FILE *f = fopen(next, "w");
    assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0 && rename(next, path) == 0);
}

static UNUSED void issue(Rig *rig, const char *name, bool server, Identity *ret)
{
    static const char *const hosts[] = {"broker.test", "Client.Test", NULL};
    const LeafRequest request = {.common_name = name, .dns_names = hosts, .days = 2, .server = server, .client = !server};
    assert_true(pki_leaf_new(&rig->ca, &request, ret, NULL));
}

static UNUSED int rig_setup(void **state)
{
    Rig *rig = xcalloc(1, sizeof(*rig));
    Identity other = {0};
    const LeafRequest request = {.common_name = "client", .days = 2, .client = true};
    assert_true(pki_ca_new("ca", 9, &rig->ca, NULL) && pki_ca_new("ca", 9, &other, NULL) && pki_leaf_new(&other, &request, &rig->stranger, NULL));
    identity_free(&other);
    issue(rig, "server", true, &rig->server);
    issue(rig, "renewed", true, &rig->renewed);
    issue(rig, "client", false, &rig->client);
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/bridge-XXXXXX");
    assert_true(mkdtemp(rig->folder) && pipe2(rig->taken, O_CLOEXEC) == 0);
    snprintf(rig->certificate, sizeof(rig->certificate), "%s/cert.pem", rig->folder);
    snprintf(rig->key, sizeof(rig->key), "%s/key.pem", rig->folder);
    snprintf(rig->client_ca, sizeof(rig->client_ca), "%s/ca.pem", rig->folder);
    write_file(rig->certificate, rig->server.cert_pem);
    write_file(rig->key, rig->server.key_pem);
    write_file(rig->client_ca, rig->ca.cert_pem);
    rig->options = (TlsBridgeOptions){.tls = {.certificate = rig->certificate, .key = rig->key}, .max_connections = 8, .handshake_ms = 2000,
                                      .idle_ms = 5000, .take = take, .refuse = refuse, .context = rig};
    signal(SIGPIPE, SIG_IGN);
    *state = rig;
    return 0;
}

static UNUSED void rig_start(Rig *rig)
{
    Error err = {0};
    if (!tls_bridge_start(&rig->options, &rig->bridge, &err))
        fail_msg("%s", err.text);
}

static UNUSED void rig_stop(Rig *rig)
{
    if (rig->bridge)
        tls_bridge_close(rig->bridge);
    rig->bridge = tls_bridge_stop(rig->bridge);
}

static UNUSED int rig_teardown(void **state)
{
    Rig *rig = *state;
    rig_stop(rig);
    Identity *all[] = {&rig->ca, &rig->server, &rig->renewed, &rig->client, &rig->stranger};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        identity_free(all[i]);
    unlink(rig->certificate);
    unlink(rig->key);
    unlink(rig->client_ca);
    rmdir(rig->folder);
    close(rig->taken[0]);
    close(rig->taken[1]);
    free(rig);
    return 0;
}

/* A client's socket whose other end the bridge has. */
static UNUSED int dial(Rig *rig)
{
    int pair[2];
    struct timeval limit = {.tv_sec = 5};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(4711), .sin_addr.s_addr = htonl(0xc0000207)};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    tls_bridge_add(rig->bridge, pair[1], (struct sockaddr *)&from, sizeof(from));
    return pair[0];
}

/* The plain end of the latest connection, blocking with a limit; -1 when none comes within `ms`. */
static UNUSED int plain_end(Rig *rig, int ms)
{
    struct pollfd p = {.fd = rig->taken[0], .events = POLLIN};
    struct timeval limit = {.tv_sec = 5};
    int fd;
    if (poll(&p, 1, ms) != 1)
        return -1;
    assert_int_equal(read(rig->taken[0], &fd, sizeof(fd)), sizeof(fd));
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

static UNUSED void use_identity(SSL *ssl, const Identity *own)
{
    BIO *cert_bio = BIO_new_mem_buf(own->cert_pem, -1), *key_bio = BIO_new_mem_buf(own->key_pem, -1);
    X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    assert_true(SSL_use_certificate(ssl, cert) == 1 && SSL_use_PrivateKey(ssl, key) == 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(cert_bio);
    BIO_free(key_bio);
}

/* version: TLS1_2_VERSION or the like, as the highest; alpn in wire form; NULL for none. */
static UNUSED bool connect_as(Rig *rig, const Identity *own, int version, const char *alpn, Client *ret)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(ctx, version);
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    *ret = (Client){.fd = dial(rig), .ssl = SSL_new(ctx)};
    SSL_CTX_free(ctx);
    if (own)
        use_identity(ret->ssl, own);
    if (alpn)
        SSL_set_alpn_protos(ret->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    SSL_set_fd(ret->ssl, ret->fd);
    return SSL_connect(ret->ssl) == 1;
}

static UNUSED void client_close(Client *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    ERR_clear_error();
}

static UNUSED void join(Rig *rig, Client *ret, int *ret_plain)
{
    assert_true(connect_as(rig, NULL, TLS1_3_VERSION, NULL, ret));
    *ret_plain = plain_end(rig, 3000);
    assert_true(*ret_plain >= 0);
}

/* The bytes of a stream at an offset. */
static UNUSED char pattern(size_t at)
{
    return (char)(at * 31 + at / 4096);
}

static UNUSED void fill(char *buffer, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buffer[i] = pattern(at + i);
}

static UNUSED void check_pattern(const char *buffer, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (buffer[i] != pattern(at + i))
            fail_msg("byte %zu is wrong", at + i);
}

static UNUSED size_t open_descriptors(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
