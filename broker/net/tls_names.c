/* Names of a certificate against a list. */
#include "net/tls_names.h"

#include "base/macros.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

static bool listed(const char *names, const unsigned char *name, size_t n, bool ignore_case)
{
    for (const char *at = names; *at;) {
        at += strspn(at, ", \t");
        size_t len = strcspn(at, ","), kept = len;
        while (kept > 0 && strchr(" \t", at[kept - 1]))
            kept--;
        if (kept == n && n > 0 && (ignore_case ? strncasecmp(at, (const char *)name, n) : memcmp(at, name, n)) == 0)
            return true;
        at += len;
    }
    return false;
}

static bool common_name_listed(const X509_NAME *subject, const char *names)
{
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
        unsigned char *text;
        int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        bool found = n > 0 && listed(names, text, (size_t)n, false);
        if (n >= 0)
            OPENSSL_free(text);
        if (found)
            return true;
    }
    return false;
}

bool tls_certificate_has_name(X509 *cert, const char *names)
{
    if (common_name_listed(X509_get_subject_name(cert), names))
        return true;
    CLEANUP(GENERAL_NAMES_free) GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS && name->type != GEN_EMAIL && name->type != GEN_URI)
            continue;
        if (listed(names, ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5), name->type == GEN_DNS))
            return true;
    }
    return false;
}
