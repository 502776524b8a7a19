/* Certificate authorities and leaves: EC P-256 keys, SHA-256 signatures, random serial numbers. */
#include "pki/pki.h"

#include "base/digest.h"
#include "base/mem.h"
#include "pki/extensions.h"
#include "pki/openssl_own.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { CLOCK_SKEW_SECONDS = 3600, DAY_SECONDS = 86400, MAX_CA_DAYS = 7300, MAX_LEAF_DAYS = 825 };

DEFINE_CLEANUP(BIGNUM *, BN_free)

void identity_free(Identity *id)
{
    secret_string_free(TAKE(id->key_pem));
    free(TAKE(id->cert_pem));
}

/* 127 random bits: unique and positive, within the 20 octets of RFC 5280 section 4.1.2.2. */
static bool set_serial(X509 *cert)
{
    uint8_t bytes[16];
    random_bytes(bytes, sizeof(bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
    CLEANUP(BN_free) BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
}

/* Subject, serial, key and validity; issuer, extensions and signature are the caller's. false: ERR_INVALID (name). */
static bool cert_begin(const char *common_name, int days, EVP_PKEY *key, X509 **ret, Error *err)
{
    CLEANUP(X509_free) X509 *cert = X509_new();
    if (!cert)
        abort(); /* out of memory */
    if (!X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)common_name, -1, -1, 0)) {
        ERR_clear_error();
        return error_set(err, ERR_INVALID, "\"%.100s\" cannot be a common name: 1 to 64 characters of UTF-8 are needed",
                         common_name);
    }
    if (!X509_set_version(cert, X509_VERSION_3) || !set_serial(cert) ||
        !X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCK_SKEW_SECONDS) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_SECONDS) || !X509_set_pubkey(cert, key))
        return openssl_failed(err, "making a certificate");
    *ret = TAKE(cert);
    return true;
}

static char *bio_text(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    return xstrndup(data, (size_t)n);
}

static bool to_pem(EVP_PKEY *key, X509 *cert, Identity *ret, Error *err)
{
    CLEANUP(BIO_free_all) BIO *key_bio = BIO_new(BIO_s_secmem());
    CLEANUP(BIO_free_all) BIO *cert_bio = BIO_new(BIO_s_mem());
    if (!key_bio || !cert_bio || !PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) ||
        !PEM_write_bio_X509(cert_bio, cert))
        return openssl_failed(err, "writing a certificate");
    ret->key_pem = bio_text(key_bio);
    ret->cert_pem = bio_text(cert_bio);
    return true;
}

bool pki_ca_new(const char *common_name, int days, Identity *ret, Error *err)
{
    if (days < 1 || days > MAX_CA_DAYS)
        return error_set(err, ERR_INVALID, "a CA can be valid for 1 to %d days, not %d", MAX_CA_DAYS, days);
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(X509_free) X509 *cert = NULL;
    if (!key)
        return openssl_failed(err, "making a key");
    if (!cert_begin(common_name, days, key, &cert, err))
        return false;
    if (!X509_set_issuer_name(cert, X509_get_subject_name(cert)))
        return openssl_failed(err, "making a CA certificate");
    if (!extensions_add_ca(cert, err))
        return false;
    if (!X509_sign(cert, key, EVP_sha256()))
        return openssl_failed(err, "signing a CA certificate");
    return to_pem(key, cert, ret, err);
}

static bool read_ca(const Identity *ca, X509 **ret_cert, EVP_PKEY **ret_key, Error *err)
{
    CLEANUP(X509_free) X509 *cert = NULL;
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
    if (!pem_read_cert(ca->cert_pem, "CA certificate", &cert, err) ||
        !pem_read_key(ca->key_pem, "CA private key", &key, err))
        return false;
    if (X509_check_private_key(cert, key) != 1) {
        ERR_clear_error();
        return error_set(err, ERR_INVALID, "the CA's private key does not belong to its certificate");
    }
    if (X509_check_ca(cert) != 1)
        return error_set(err, ERR_INVALID, "the CA certificate is not one of a certificate authority");
    if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
        return error_set(err, ERR_INVALID, "the CA certificate has expired; renew the CA first");
    *ret_cert = TAKE(cert);
    *ret_key = TAKE(key);
    return true;
}

/* A leaf never outlives its CA. */
static bool limit_to(X509 *cert, const X509 *issuer)
{
    const ASN1_TIME *limit = X509_get0_notAfter(issuer);
    return ASN1_TIME_compare(X509_get0_notAfter(cert), limit) <= 0 || X509_set1_notAfter(cert, limit) == 1;
}

static bool check_request(const LeafRequest *request, Error *err)
{
    if (request->days < 1 || request->days > MAX_LEAF_DAYS)
        return error_set(err, ERR_INVALID, "a certificate can be valid for 1 to %d days, not %d", MAX_LEAF_DAYS,
                         request->days);
    if (!request->server && !request->client)
        return error_set(err, ERR_INVALID, "a certificate must be for a server, a client, or both");
    return true;
}

bool pki_leaf_new(const Identity *ca, const LeafRequest *request, Identity *ret, Error *err)
{
    CLEANUP(X509_free) X509 *issuer = NULL;
    CLEANUP(EVP_PKEY_free) EVP_PKEY *issuer_key = NULL;
    if (!check_request(request, err) || !read_ca(ca, &issuer, &issuer_key, err))
        return false;
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(X509_free) X509 *cert = NULL;
    if (!key)
        return openssl_failed(err, "making a key");
    if (!cert_begin(request->common_name, request->days, key, &cert, err))
        return false;
    if (!X509_set_issuer_name(cert, X509_get_subject_name(issuer)) || !limit_to(cert, issuer))
        return openssl_failed(err, "making a certificate");
    if (!extensions_add_leaf(cert, issuer, request, err))
        return false;
    if (!X509_sign(cert, issuer_key, EVP_sha256()))
        return openssl_failed(err, "signing a certificate");
    return to_pem(key, cert, ret, err);
}

char *pki_pem_keystore(const Identity *id)
{
    return xasprintf("%s%s", id->key_pem, id->cert_pem);
}

bool pki_cert_seconds_left(const char *cert_pem, int64_t *ret, Error *err)
{
    CLEANUP(X509_free) X509 *cert = NULL;
    int days = 0, seconds = 0;
    if (!pem_read_cert(cert_pem, "certificate", &cert, err))
        return false;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)))
        return error_set(err, ERR_INVALID, "certificate: its end of validity cannot be read");
    *ret = (int64_t)days * DAY_SECONDS + seconds;
    return true;
}
