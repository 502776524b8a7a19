/* Ownership of OpenSSL objects and PEM reading, shared within this folder. */
#ifndef PKI_OPENSSL_OWN_H
#define PKI_OPENSSL_OWN_H

#include "base/error.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

typedef STACK_OF(X509) X509Stack;
void x509_stack_free(X509Stack *certs);
DEFINE_CLEANUP(X509Stack *, x509_stack_free)

/* An OpenSSL failure that no input can explain: ERR_INTERNAL with OpenSSL's reason. Returns false. */
bool openssl_failed(Error *err, const char *what);

/* All certificates of a PEM text, in order, at least one. false: ERR_INVALID naming `what`. */
MUST_CHECK bool pem_read_certs(const char *pem, const char *what, X509Stack **ret, Error *err);
/* The first certificate. false: ERR_INVALID naming `what`. */
MUST_CHECK bool pem_read_cert(const char *pem, const char *what, X509 **ret, Error *err);
/* The unencrypted private key. false: ERR_INVALID naming `what`, never its content. */
MUST_CHECK bool pem_read_key(const char *pem, const char *what, EVP_PKEY **ret, Error *err);

#endif
