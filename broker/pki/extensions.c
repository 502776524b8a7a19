/* X.509 extensions; alternative names are built as values, never as configuration text that a name could break out of. */
#include "pki/extensions.h"

#include "pki/openssl_own.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)

static bool label_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool dns_name_ok(const char *name)
{
    if (strlen(name) > 253)
        return false;
    const char *c = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    for (;;) {
        size_t n = 0;
        while (label_character(c[n]))
            n++;
        if (n == 0 || n > 63 || c[0] == '-' || c[n - 1] == '-')
            return false;
        if (c[n] == '\0')
            return true;
        if (c[n] != '.')
            return false;
        c += n + 1;
    }
}

/* `value` is fixed text of OpenSSL's configuration syntax (x509v3_config(5)). */
static bool add(X509 *cert, X509 *issuer, int nid, const char *value, Error *err)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    CLEANUP(X509_EXTENSION_free) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    return (extension && X509_add_ext(cert, extension, -1)) || openssl_failed(err, OBJ_nid2sn(nid));
}

static void push(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (!name)
        abort(); /* out of memory */
    GENERAL_NAME_set0_value(name, type, value);
    if (!sk_GENERAL_NAME_push(names, name))
        abort(); /* out of memory */
}

static bool push_dns(GENERAL_NAMES *names, const char *name, Error *err)
{
    if (!dns_name_ok(name))
        return error_set(err, ERR_INVALID, "\"%.253s\" cannot be a DNS name of a certificate", name);
    ASN1_STRING *value = ASN1_IA5STRING_new();
    if (!value || !ASN1_STRING_set(value, name, -1))
        abort(); /* out of memory */
    push(names, GEN_DNS, value);
    return true;
}

static bool push_ip(GENERAL_NAMES *names, const char *address, Error *err)
{
    ASN1_OCTET_STRING *value = a2i_IPADDRESS(address);
    if (!value)
        return error_set(err, ERR_INVALID, "\"%.100s\" is not an IP address", address);
    push(names, GEN_IPADD, value);
    return true;
}

static bool add_alternative_names(X509 *cert, const LeafRequest *request, Error *err)
{
    CLEANUP(GENERAL_NAMES_free) GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (const char *const *n = request->dns_names; n && *n; n++)
        if (!push_dns(names, *n, err))
            return false;
    for (const char *const *n = request->ip_addresses; n && *n; n++)
        if (!push_ip(names, *n, err))
            return false;
    if (sk_GENERAL_NAME_num(names) == 0)
        return true;
    return X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1 || openssl_failed(err, "subjectAltName");
}

bool extensions_add_ca(X509 *cert, Error *err)
{
    return add(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", err) &&
           add(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign", err) &&
           add(cert, cert, NID_subject_key_identifier, "hash", err) &&
           add(cert, cert, NID_authority_key_identifier, "keyid:always", err);
}

bool extensions_add_leaf(X509 *cert, X509 *issuer, const LeafRequest *request, Error *err)
{
    const char *usage = request->server && request->client ? "serverAuth,clientAuth"
                        : request->server                  ? "serverAuth"
                                                           : "clientAuth";
    return add(cert, issuer, NID_basic_constraints, "critical,CA:FALSE", err) &&
           add(cert, issuer, NID_key_usage, "critical,digitalSignature", err) &&
           add(cert, issuer, NID_ext_key_usage, usage, err) && add_alternative_names(cert, request, err) &&
           add(cert, issuer, NID_subject_key_identifier, "hash", err) &&
           add(cert, issuer, NID_authority_key_identifier, "keyid:always", err);
}
