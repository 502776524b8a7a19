/* Certificates as OpenSSL verifies them, stores as OpenSSL and (when installed) Java's keytool read them. */
#include "base/mem.h"
#include "base/str.h"
#include "pki/pki.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY = 86400 };

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(PKCS12 *, PKCS12_free)

static X509 *cert_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(cert);
    return cert;
}

static Identity make_ca(const char *name)
{
    Error err = {0};
    Identity ca = {0};
    if (!pki_ca_new(name, 3650, &ca, &err))
        fail_msg("%s", err.text);
    return ca;
}

static const char *const names[] = {"kafka-0.kafka-hs.ns.svc", "*.kafka.example", NULL};
static const char *const addresses[] = {"127.0.0.1", "::1", NULL};

static LeafRequest usual(void)
{
    return (LeafRequest){.common_name = "kafka", .dns_names = names, .ip_addresses = addresses, .days = 365, .server = true, .client = true};
}

static Identity make_leaf(const Identity *ca, const LeafRequest *request)
{
    Error err = {0};
    Identity leaf = {0};
    if (!pki_leaf_new(ca, request, &leaf, &err))
        fail_msg("%s", err.text);
    return leaf;
}

/* X509_V_OK or the reason, for the given purpose. */
static int verify(const char *ca_pem, const char *leaf_pem, int purpose)
{
    CLEANUP(X509_free) X509 *ca = cert_of(ca_pem);
    CLEANUP(X509_free) X509 *leaf = cert_of(leaf_pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, ca);
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context);
    int result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void test_ca(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity one = make_ca("cpbroker instance 1"), two = make_ca("cpbroker instance 1");
    assert_int_equal(strncmp(one.key_pem, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
    CLEANUP(X509_free) X509 *cert = cert_of(one.cert_pem);
    CLEANUP(X509_free) X509 *other = cert_of(two.cert_pem);
    assert_int_equal(X509_check_ca(cert), 1);
    assert_int_equal(X509_get_pathlen(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_int_equal(X509_get_signature_nid(cert), NID_ecdsa_with_SHA256);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(cert), X509_get0_serialNumber(other)), 0);
    assert_int_equal(verify(one.cert_pem, one.cert_pem, X509_PURPOSE_ANY), X509_V_OK);
    Error err = {0};
    int64_t left = 0;
    assert_true(pki_cert_seconds_left(one.cert_pem, &left, &err));
    assert_in_range(left, 3650LL * DAY - 120, 3650LL * DAY);
    int days, seconds;
    assert_true(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), NULL));
    assert_in_range(days * DAY + seconds, 3600, 3720);
}

static void test_leaf(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca"), stranger = make_ca("ca");
    const LeafRequest request = usual();
    CLEANUP_IDENTITY Identity leaf = make_leaf(&ca, &request);
    assert_int_equal(strncmp(leaf.key_pem, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
    assert_int_equal(verify(ca.cert_pem, leaf.cert_pem, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(verify(ca.cert_pem, leaf.cert_pem, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    assert_int_not_equal(verify(stranger.cert_pem, leaf.cert_pem, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    CLEANUP(X509_free) X509 *cert = cert_of(leaf.cert_pem);
    assert_int_equal(X509_check_host(cert, "kafka-0.kafka-hs.ns.svc", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "b1.kafka.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "kafka", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_non_null(X509_get0_authority_key_id(cert));
    char subject[100];
    X509_NAME_oneline(X509_get_subject_name(cert), subject, sizeof(subject));
    assert_string_equal(subject, "/CN=kafka");
}

static void test_usages(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca");
    LeafRequest request = usual();
    request.server = false;
    CLEANUP_IDENTITY Identity client = make_leaf(&ca, &request);
    assert_int_equal(verify(ca.cert_pem, client.cert_pem, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    assert_int_equal(verify(ca.cert_pem, client.cert_pem, X509_PURPOSE_SSL_SERVER), X509_V_ERR_INVALID_PURPOSE);
    request.server = true, request.client = false, request.dns_names = NULL, request.ip_addresses = NULL;
    CLEANUP_IDENTITY Identity server = make_leaf(&ca, &request);
    assert_int_equal(verify(ca.cert_pem, server.cert_pem, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(verify(ca.cert_pem, server.cert_pem, X509_PURPOSE_SSL_CLIENT), X509_V_ERR_INVALID_PURPOSE);
}

static void test_leaf_ends_with_ca(void **state)
{
    (void)state;
    Error err = {0};
    CLEANUP_IDENTITY Identity ca = {0};
    assert_true(pki_ca_new("short", 2, &ca, &err));
    const LeafRequest request = usual();
    CLEANUP_IDENTITY Identity leaf = make_leaf(&ca, &request);
    int64_t left = 0;
    assert_true(pki_cert_seconds_left(leaf.cert_pem, &left, &err));
    assert_in_range(left, 2 * DAY - 120, 2 * DAY);
}

static void leaf_refused(const Identity *ca, const LeafRequest *request, const char *part)
{
    Error err = {0};
    Identity leaf = {0};
    assert_false(pki_leaf_new(ca, request, &leaf, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(leaf.key_pem);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" not in \"%s\"", part, err.text);
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        ".",     "a..b",    "-a.b", "a-.b",     "a b",  "a,DNS:evil", "*",
                                      "*.",      "a.*.b", "*a.b",    "a.",   "a_b.c",    "ü.de", "a\nb",       "**.a",
                                      "a.b/c.d", "a:1",   "0123456789012345678901234567890123456789012345678901234567890123.a"};
    CLEANUP_IDENTITY Identity ca = make_ca("ca");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *const list[] = {"good.example", bad[i], NULL};
        LeafRequest request = usual();
        request.dns_names = list;
        leaf_refused(&ca, &request, "DNS name");
    }
    const char *const no_address[] = {"10.0.0.256", NULL};
    LeafRequest request = usual();
    request.ip_addresses = no_address;
    leaf_refused(&ca, &request, "\"10.0.0.256\" is not an IP address");
}

static void test_bad_requests(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca"), other = make_ca("other");
    LeafRequest request = usual();
    request.days = 0;
    leaf_refused(&ca, &request, "1 to 825 days");
    request.days = 826;
    leaf_refused(&ca, &request, "1 to 825 days");
    request = usual();
    request.common_name = "";
    leaf_refused(&ca, &request, "common name");
    request.common_name = "0123456789012345678901234567890123456789012345678901234567890123456789";
    leaf_refused(&ca, &request, "common name");
    request = usual();
    request.server = request.client = false;
    leaf_refused(&ca, &request, "server");
    request = usual();
    Identity mixed = {ca.key_pem, other.cert_pem}, junk = {ca.key_pem, (char *)"junk"}, no_key = {(char *)"junk", ca.cert_pem};
    leaf_refused(&mixed, &request, "does not belong");
    leaf_refused(&junk, &request, "CA certificate");
    leaf_refused(&no_key, &request, "CA private key");
    CLEANUP_IDENTITY Identity leaf = make_leaf(&ca, &request);
    leaf_refused(&leaf, &request, "not one of a certificate authority");
    Error err = {0};
    Identity none = {0};
    assert_false(pki_ca_new("ca", 0, &none, &err));
    assert_false(pki_ca_new("ca", 7301, &none, &err));
    assert_false(pki_ca_new("", 10, &none, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    int64_t left = 7;
    assert_false(pki_cert_seconds_left("", &left, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(left, 7);
}

/* The same CA with its end of validity two hours ago. */
static char *expired_cert(const Identity *ca)
{
    CLEANUP(X509_free) X509 *cert = cert_of(ca->cert_pem);
    BIO *key_bio = BIO_new_mem_buf(ca->key_pem, -1), *out = BIO_new(BIO_s_mem());
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    X509_gmtime_adj(X509_getm_notAfter(cert), -7200);
    assert_int_not_equal(X509_sign(cert, key, EVP_sha256()), 0);
    assert_int_equal(PEM_write_bio_X509(out, cert), 1);
    char *data;
    long n = BIO_get_mem_data(out, &data);
    char *pem = xstrndup(data, (size_t)n);
    BIO_free(key_bio);
    BIO_free(out);
    return pem;
}

static void test_expired_ca(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca");
    CLEANUP_FREE char *pem = expired_cert(&ca);
    const Identity expired = {ca.key_pem, pem};
    const LeafRequest request = usual();
    leaf_refused(&expired, &request, "expired");
    Error err = {0};
    int64_t left = 0;
    assert_true(pki_cert_seconds_left(pem, &left, &err));
    assert_true(left < -7190 && left > -7320);
}

/* Writes the store to a file and gives what `keytool -list` says; NULL without keytool. */
static char *keytool_list(const uint8_t *store, size_t n, const char *password)
{
    static const char *const tools[] = {"/usr/bin/keytool", "/usr/local/bin/keytool"};
    const char *tool = access(tools[0], X_OK) == 0 ? tools[0] : access(tools[1], X_OK) == 0 ? tools[1] : NULL;
    if (!tool)
        return NULL;
    char path[] = "/tmp/test_pki_XXXXXX";
    int fd = mkstemp(path), out[2];
    assert_true(fd >= 0 && write(fd, store, n) == (ssize_t)n && pipe(out) == 0);
    close(fd);
    const char *const argv[] = {tool, "-J-Xint", "-J-Xmx64m", "-list", "-storetype", "PKCS12", "-storepass", password, "-keystore", path, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, out[1], 2);
    char *const environment[] = {(char *)"LC_ALL=C", (char *)"PATH=/usr/bin:/bin", NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, tool, &actions, NULL, (char *const *)argv, environment), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    Str text = STR_INIT;
    char block[4096];
    for (ssize_t got; (got = read(out[0], block, sizeof(block))) > 0;)
        str_append_n(&text, block, (size_t)got);
    close(out[0]);
    waitpid(pid, NULL, 0);
    unlink(path);
    return str_take(&text);
}

static void listed(const uint8_t *store, size_t n, const char *const *parts)
{
    CLEANUP_FREE char *text = keytool_list(store, n, "changeit");
    for (; text && *parts; parts++)
        if (!strstr(text, *parts))
            fail_msg("\"%s\" not in \"%s\"", *parts, text);
}

static PKCS12 *parsed(const uint8_t *der, size_t n)
{
    const uint8_t *at = der;
    PKCS12 *store = d2i_PKCS12(NULL, &at, (long)n);
    assert_non_null(store);
    assert_ptr_equal(at, der + n);
    const X509_ALGOR *mac;
    const ASN1_OBJECT *method;
    PKCS12_get0_mac(NULL, &mac, NULL, NULL, store);
    X509_ALGOR_get0(&method, NULL, NULL, mac);
    assert_int_equal(OBJ_obj2nid(method), NID_sha256);
    return store;
}

static void test_truststore(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity one = make_ca("one"), two = make_ca("two");
    CLEANUP_FREE char *both = xasprintf("%s%s", one.cert_pem, two.cert_pem);
    Error err = {0};
    uint8_t *der = NULL;
    size_t n = 0;
    assert_true(pki_truststore_p12(both, "changeit", &der, &n, &err));
    CLEANUP(PKCS12_free) PKCS12 *store = parsed(der, n);
    assert_true(PKCS12_verify_mac(store, "changeit", -1));
    assert_false(PKCS12_verify_mac(store, "changeit2", -1));
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *certs = NULL;
    assert_true(PKCS12_parse(store, "changeit", &key, &cert, &certs));
    assert_null(key);
    assert_null(cert);
    assert_int_equal(sk_X509_num(certs), 2);
    sk_X509_pop_free(certs, X509_free);
    static const char *const parts[] = {"ca-0,", "ca-1,", "trustedCertEntry", "2 entries", NULL};
    listed(der, n, parts);
    free(der);
    der = NULL;
    assert_false(pki_truststore_p12("no certificate", "changeit", &der, &n, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(pki_truststore_p12(both, "", &der, &n, &err));
    assert_null(der);
    CLEANUP_FREE char *cut = xstrndup(both, strlen(both) - 60);
    assert_false(pki_truststore_p12(cut, "changeit", &der, &n, &err));
    assert_non_null(strstr(err.text, "certificate 2 is not valid PEM"));
}

static void test_keystore(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca");
    const LeafRequest request = usual();
    CLEANUP_IDENTITY Identity leaf = make_leaf(&ca, &request), other = make_leaf(&ca, &request);
    Error err = {0};
    uint8_t *der = NULL;
    size_t n = 0;
    assert_true(pki_keystore_p12(&leaf, ca.cert_pem, "changeit", &der, &n, &err));
    CLEANUP(PKCS12_free) PKCS12 *store = parsed(der, n);
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
    CLEANUP(X509_free) X509 *cert = NULL;
    STACK_OF(X509) *certs = NULL;
    assert_false(PKCS12_verify_mac(store, "wrong", -1));
    assert_true(PKCS12_parse(store, "changeit", &key, &cert, &certs));
    CLEANUP(X509_free) X509 *expected = cert_of(leaf.cert_pem);
    assert_int_equal(X509_cmp(cert, expected), 0);
    assert_int_equal(X509_check_private_key(expected, key), 1);
    assert_int_equal(sk_X509_num(certs), 1);
    sk_X509_pop_free(certs, X509_free);
    static const char *const parts[] = {"key,", "PrivateKeyEntry", "1 entry", NULL};
    listed(der, n, parts);
    secret_free(der, n);
    der = NULL;
    const Identity mixed = {leaf.key_pem, other.cert_pem};
    assert_false(pki_keystore_p12(&mixed, NULL, "changeit", &der, &n, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_null(der);
}

static void test_pem_keystore(void **state)
{
    (void)state;
    CLEANUP_IDENTITY Identity ca = make_ca("ca");
    CLEANUP_SECRET char *pem = pki_pem_keystore(&ca);
    const char *key = strstr(pem, "-----BEGIN PRIVATE KEY-----\n"), *cert = strstr(pem, "-----BEGIN CERTIFICATE-----\n");
    assert_ptr_equal(key, pem);
    assert_non_null(cert);
    assert_non_null(strstr(pem, "-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ca),         cmocka_unit_test(test_leaf),      cmocka_unit_test(test_usages),
        cmocka_unit_test(test_leaf_ends_with_ca), cmocka_unit_test(test_bad_names), cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_expired_ca), cmocka_unit_test(test_truststore), cmocka_unit_test(test_keystore),  cmocka_unit_test(test_pem_keystore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
