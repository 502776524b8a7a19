/*
 * PKCS#12 stores (RFC 7292) with PBES2 AES-256 and an HMAC of SHA-256. Java lists a certificate as trusted only when its bag carries
 * Oracle's trusted-key-usage attribute.
 */
#include "base/mem.h"
#include "pki/openssl_own.h"
#include "pki/pki.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>

enum { ITERATIONS = 10000 };

#define ORACLE_TRUSTED_KEY_USAGE "2.16.840.1.113894.746875.1.1"
#define ANY_EXTENDED_KEY_USAGE "2.5.29.37.0"

typedef STACK_OF(PKCS12_SAFEBAG) Bags;
typedef STACK_OF(PKCS7) Safes;

static void bags_free(Bags *bags)
{
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void safes_free(Safes *safes)
{
    sk_PKCS7_pop_free(safes, PKCS7_free);
}

DEFINE_CLEANUP(Bags *, bags_free)
DEFINE_CLEANUP(Safes *, safes_free)
DEFINE_CLEANUP(PKCS12 *, PKCS12_free)
DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)

static bool check_password(const char *password, Error *err)
{
    return (password && *password) || error_set(err, ERR_INVALID, "a PKCS#12 store needs a password");
}

/* Puts the certificate as "ca-INDEX" into the bags. */
static bool add_trusted(Bags *bags, X509 *cert, int index)
{
    char name[32];
    snprintf(name, sizeof(name), "ca-%d", index);
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(cert);
    if (!bag)
        return false;
    if (!sk_PKCS12_SAFEBAG_push(bags, bag)) {
        PKCS12_SAFEBAG_free(bag);
        return false;
    }
    CLEANUP(ASN1_OBJECT_free) ASN1_OBJECT *usage = OBJ_txt2obj(ANY_EXTENDED_KEY_USAGE, 1);
    return usage && PKCS12_add_friendlyname_utf8(bag, name, -1) &&
           PKCS12_add1_attr_by_txt(bag, ORACLE_TRUSTED_KEY_USAGE, V_ASN1_OBJECT, (const unsigned char *)usage, -1);
}

static Bags *trusted_bags(const X509Stack *certs)
{
    CLEANUP(bags_free) Bags *bags = sk_PKCS12_SAFEBAG_new_null();
    for (int i = 0; i < sk_X509_num(certs); i++)
        if (!add_trusted(bags, sk_X509_value(certs, i), i))
            return NULL;
    return TAKE(bags);
}

static PKCS12 *pack(Bags *bags, const char *password)
{
    CLEANUP(safes_free) Safes *safes = sk_PKCS7_new_null();
    PKCS7 *encrypted = PKCS12_pack_p7encdata(NID_aes_256_cbc, password, -1, NULL, 0, ITERATIONS, bags);
    if (!encrypted || !sk_PKCS7_push(safes, encrypted)) {
        PKCS7_free(encrypted);
        return NULL;
    }
    CLEANUP(PKCS12_free) PKCS12 *store = PKCS12_init(NID_pkcs7_data);
    return store && PKCS12_pack_authsafes(store, safes) ? TAKE(store) : NULL;
}

/* Adds the MAC and gives the DER bytes. */
static bool finish(PKCS12 *store, const char *password, uint8_t **ret, size_t *ret_len, Error *err)
{
    unsigned char *der = NULL;
    if (!PKCS12_set_mac(store, password, -1, NULL, 0, ITERATIONS, EVP_sha256()))
        return openssl_failed(err, "authenticating a PKCS#12 store");
    int n = i2d_PKCS12(store, &der);
    if (n < 0)
        return openssl_failed(err, "writing a PKCS#12 store");
    uint8_t *copy = xmalloc((size_t)n);
    memcpy(copy, der, (size_t)n);
    OPENSSL_clear_free(der, (size_t)n);
    *ret = copy;
    *ret_len = (size_t)n;
    return true;
}

bool pki_truststore_p12(const char *certs_pem, const char *password, uint8_t **ret, size_t *ret_len, Error *err)
{
    CLEANUP(x509_stack_free) X509Stack *certs = NULL;
    if (!check_password(password, err) || !pem_read_certs(certs_pem, "trusted certificates", &certs, err))
        return false;
    CLEANUP(bags_free) Bags *bags = trusted_bags(certs);
    CLEANUP(PKCS12_free) PKCS12 *store = bags ? pack(bags, password) : NULL;
    if (!store)
        return openssl_failed(err, "making a PKCS#12 trust store");
    return finish(store, password, ret, ret_len, err);
}

bool pki_keystore_p12(const Identity *id, const char *ca_pem, const char *password, uint8_t **ret, size_t *ret_len,
                      Error *err)
{
    CLEANUP(x509_stack_free) X509Stack *chain = NULL;
    CLEANUP(x509_stack_free) X509Stack *authorities = NULL;
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = NULL;
    if (!check_password(password, err) || !pem_read_certs(id->cert_pem, "certificate", &chain, err) ||
        !pem_read_key(id->key_pem, "private key", &key, err) ||
        (ca_pem && !pem_read_certs(ca_pem, "CA certificate", &authorities, err)))
        return false;
    CLEANUP(X509_free) X509 *leaf = sk_X509_shift(chain);
    while (authorities && sk_X509_num(authorities) > 0)
        if (!sk_X509_push(chain, sk_X509_shift(authorities)))
            abort(); /* out of memory */
    if (X509_check_private_key(leaf, key) != 1) {
        ERR_clear_error();
        return error_set(err, ERR_INVALID, "the private key does not belong to the certificate");
    }
    CLEANUP(PKCS12_free) PKCS12 *store =
        PKCS12_create(password, "key", key, leaf, chain, NID_aes_256_cbc, NID_aes_256_cbc, ITERATIONS, -1, 0);
    if (!store)
        return openssl_failed(err, "making a PKCS#12 key store");
    return finish(store, password, ret, ret_len, err);
}
