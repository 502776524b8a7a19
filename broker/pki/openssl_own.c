/* Ownership of OpenSSL objects and PEM reading. */
#include "pki/openssl_own.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

void x509_stack_free(X509Stack *certs)
{
    sk_X509_pop_free(certs, X509_free);
}

bool openssl_failed(Error *err, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(err, ERR_INTERNAL, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
    ERR_clear_error();
    return false;
}

static BIO *text_bio(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (!bio)
        abort(); /* out of memory */
    return bio;
}

bool pem_read_certs(const char *pem, const char *what, X509Stack **ret, Error *err)
{
    if (!pem)
        return error_set(err, ERR_INVALID, "%s: no certificate is given", what);
    CLEANUP(BIO_free_all) BIO *bio = text_bio(pem);
    CLEANUP(x509_stack_free) X509Stack *certs = sk_X509_new_null();
    ERR_clear_error();
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, NULL, (void *)""));)
        if (!sk_X509_push(certs, cert))
            abort(); /* out of memory */
    unsigned long e = ERR_peek_last_error();
    ERR_clear_error();
    if (ERR_GET_LIB(e) != ERR_LIB_PEM || ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
        return error_set(err, ERR_INVALID, "%s: certificate %d is not valid PEM", what, sk_X509_num(certs) + 1);
    if (sk_X509_num(certs) == 0)
        return error_set(err, ERR_INVALID, "%s: the text has no PEM certificate", what);
    *ret = TAKE(certs);
    return true;
}

bool pem_read_cert(const char *pem, const char *what, X509 **ret, Error *err)
{
    CLEANUP(x509_stack_free) X509Stack *certs = NULL;
    if (!pem_read_certs(pem, what, &certs, err))
        return false;
    *ret = sk_X509_shift(certs);
    return true;
}

bool pem_read_key(const char *pem, const char *what, EVP_PKEY **ret, Error *err)
{
    if (!pem)
        return error_set(err, ERR_INVALID, "%s: no private key is given", what);
    CLEANUP(BIO_free_all) BIO *bio = text_bio(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)""); /* the password: never ask a terminal */
    ERR_clear_error();
    if (!key)
        return error_set(err, ERR_INVALID, "%s: not an unencrypted PEM private key", what);
    *ret = key;
    return true;
}
