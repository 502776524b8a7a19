/* The server's side of TLS: which files are taken, which clients come in, and renewal. */
#include "bridge_rig.h"

#include <openssl/x509.h>

/* Whether a client comes in: the bridge opens a plain connection for it. */
static bool comes_in(Rig *rig, const Identity *own, int version)
{
    Client c;
    bool connected = connect_as(rig, own, version, NULL, &c);
    int plain = plain_end(rig, connected ? 300 : 30);
    if (plain >= 0)
        close(plain);
    client_close(&c);
    return plain >= 0;
}

static void test_client_certificates(void **state)
{
    Rig *rig = *state;
    rig->options.tls.client_ca = rig->client_ca;
    rig_start(rig);
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        assert_true(comes_in(rig, &rig->client, versions[i]));
        assert_false(comes_in(rig, NULL, versions[i]));
        assert_false(comes_in(rig, &rig->stranger, versions[i]));
        assert_false(comes_in(rig, &rig->server, versions[i])); /* its certificate is none of a client */
    }
}

static void test_client_names(void **state)
{
    Rig *rig = *state;
    static const struct {
        const char *names;
        bool good;
    } rows[] = {{"client", true},     {"ops, client ,x", true}, {"client.test", true}, {"", true},   {"Client", false},
                {"clien", false},     {"client2", false},       {"*.test", false},     {",", false}, {"test", false},
                {"client ops", false}};
    rig->options.tls.client_ca = rig->client_ca;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        rig->options.tls.client_names = rows[i].names;
        rig_start(rig);
        if (comes_in(rig, &rig->client, TLS1_3_VERSION) != rows[i].good)
            fail_msg("[%s] should %s the client in", rows[i].names, rows[i].good ? "let" : "not let");
        rig_stop(rig);
    }
}

/* The CN of the certificate that a new connection sees. */
static void expect_name(Rig *rig, const char *name, int within_ms)
{
    char cn[64] = "";
    for (int64_t end = clock_ms() + within_ms; strcmp(cn, name) != 0 && clock_ms() <= end; clock_sleep_ms(20)) {
        Client c;
        int plain;
        join(rig, &c, &plain);
        X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(c.ssl)), NID_commonName, cn, sizeof(cn));
        close(plain);
        client_close(&c);
    }
    assert_string_equal(cn, name);
}

static void test_renewal(void **state)
{
    Rig *rig = *state;
    Client old;
    int plain;
    char in[2];
    rig_start(rig);
    join(rig, &old, &plain);
    expect_name(rig, "server", 0);
    write_file(rig->certificate, rig->renewed.cert_pem); /* does not match the key yet */
    tls_bridge_reload(rig->bridge);
    clock_sleep_ms(300);
    expect_name(rig, "server", 0);
    write_file(rig->key, rig->renewed.key_pem);
    tls_bridge_reload(rig->bridge);
    expect_name(rig, "renewed", 2000);
    write_file(rig->key, "rubbish");
    tls_bridge_reload(rig->bridge);
    clock_sleep_ms(300);
    expect_name(rig, "renewed", 0);
    write_file(rig->certificate, rig->server.cert_pem);
    write_file(rig->key, rig->server.key_pem);
    expect_name(rig, "server", 8000); /* nobody says so: the files are looked at */
    assert_true(SSL_write(old.ssl, "hi", 2) == 2 && recv(plain, in, 2, MSG_WAITALL) == 2); /* from before the renewals */
    close(plain);
    client_close(&old);
}

static void refused(const Rig *rig, const char *part, const char *path)
{
    TlsBridge *bridge;
    Error err = {0};
    int days;
    assert_false(tls_server_check(&rig->options.tls, &days, &err));
    if ((err.kind != ERR_INVALID && err.kind != ERR_NOT_FOUND) || !strstr(err.text, part) || !strstr(err.text, path))
        fail_msg("%s: %s", error_kind_name(err.kind), err.text);
    assert_false(tls_bridge_start(&rig->options, &bridge, &err));
    assert_non_null(strstr(err.text, part));
}

static void test_unusable_files(void **state)
{
    Rig *rig = *state;
    Error err;
    int days = -1;
    rig->options.tls.client_ca = rig->client_ca;
    assert_true(tls_server_check(&rig->options.tls, &days, &err));
    assert_in_range(days, 1, 2);
    write_file(rig->client_ca, "rubbish");
    refused(rig, "has no PEM certificate", rig->client_ca);
    unlink(rig->client_ca);
    refused(rig, "ca.pem", rig->client_ca);
    rig->options.tls.client_ca = "";
    write_file(rig->key, rig->client.key_pem);
    refused(rig, "does not belong to", rig->key);
    write_file(rig->key, rig->server.cert_pem);
    refused(rig, "not an unencrypted PEM private key", rig->key);
    unlink(rig->key);
    refused(rig, "key.pem", rig->key);
    write_file(rig->key, rig->server.key_pem);
    write_file(rig->certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused(rig, "not a PEM certificate", rig->certificate);
    write_file(rig->certificate, "");
    refused(rig, "not a PEM certificate", rig->certificate);
    unlink(rig->certificate);
    refused(rig, "cert.pem", rig->certificate);
}

/* The server's certificate with another time of validity, in seconds from now. */
static void write_validity(Rig *rig, long from, long to)
{
    BIO *bio = BIO_new_mem_buf(rig->server.cert_pem, -1), *key_bio = BIO_new_mem_buf(rig->server.key_pem, -1), *out = BIO_new(BIO_s_mem());
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    char *text;
    X509_gmtime_adj(X509_getm_notBefore(cert), from);
    X509_gmtime_adj(X509_getm_notAfter(cert), to);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0 && PEM_write_bio_X509(out, cert) == 1 && BIO_write(out, "", 1) == 1);
    BIO_get_mem_data(out, &text);
    write_file(rig->certificate, text);
    X509_free(cert);
    EVP_PKEY_free(key);
    BIO_free(bio);
    BIO_free(key_bio);
    BIO_free(out);
}

static void test_validity(void **state)
{
    enum { DAY = 24 * 3600 };
    Rig *rig = *state;
    Error err;
    int days;
    write_validity(rig, -DAY, 10 * DAY + 60);
    assert_true(tls_server_check(&rig->options.tls, &days, &err));
    assert_int_equal(days, 10);
    write_validity(rig, -DAY, -60);
    assert_false(tls_server_check(&rig->options.tls, &days, &err));
    assert_non_null(strstr(err.text, "has expired"));
    write_validity(rig, 3600, DAY);
    assert_false(tls_server_check(&rig->options.tls, &days, &err));
    assert_non_null(strstr(err.text, "not valid yet"));
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {WITH_RIG(test_client_certificates), WITH_RIG(test_client_names), WITH_RIG(test_renewal),
                                       WITH_RIG(test_unusable_files), WITH_RIG(test_validity)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
