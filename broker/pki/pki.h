/* A certificate authority per service instance, leaf certificates, and key and trust stores that Java and librdkafka read. */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A key pair with its certificate, PEM: key as PKCS#8 (Kafka's PEM loader reads nothing else), cert = leaf (chain) or CA. */
typedef struct Identity {
    char *key_pem;
    char *cert_pem;
} Identity;

void identity_free(Identity *id); /* erases the key */
static inline UNUSED void identity_free_cleanup(Identity *id)
{
    identity_free(id);
}
#define CLEANUP_IDENTITY CLEANUP(identity_free)

/* A self-signed CA (EC P-256, random serial, pathlen 0, keyCertSign+cRLSign), valid from one hour ago for `days` (1..7300). */
MUST_CHECK bool pki_ca_new(const char *common_name, int days, Identity *ret, Error *err);

typedef struct LeafRequest {
    const char *common_name;       /* subject CN; Kafka's principal after mapping */
    const char *const *dns_names;  /* SAN DNS entries, NULL-terminated; wildcards allowed */
    const char *const *ip_addresses; /* SAN IP entries (v4 or v6), NULL-terminated */
    int days;                      /* 1..825 */
    bool server, client;           /* extended key usage */
} LeafRequest;

/* Issues a leaf (EC P-256 key, SHA-256 signature, authority key id). false: ERR_INVALID (names, CA PEM), ERR_INTERNAL. */
MUST_CHECK bool pki_leaf_new(const Identity *ca, const LeafRequest *request, Identity *ret, Error *err);

/* "key_pem" + "cert_pem" in the order of Kafka's PEM key store; the caller frees with secret_string_free. */
char *pki_pem_keystore(const Identity *id);

/* PKCS#12 trust store with each certificate of `certs_pem` as a Java trustedCertEntry ("ca-0", …; PBES2 AES-256, MAC SHA-256; Java >= 8u301). Caller frees. */
MUST_CHECK bool pki_truststore_p12(const char *certs_pem, const char *password, uint8_t **ret, size_t *ret_len, Error *err);
/* PKCS#12 key store with one entry "key". Caller frees with secret_free. */
MUST_CHECK bool pki_keystore_p12(const Identity *id, const char *ca_pem, const char *password, uint8_t **ret,
                                 size_t *ret_len, Error *err);

/* Seconds until the first certificate of the PEM text expires (negative when it has). */
MUST_CHECK bool pki_cert_seconds_left(const char *cert_pem, int64_t *ret, Error *err);

#endif
