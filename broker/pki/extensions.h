/* X.509 extensions (RFC 5280 section 4.2) of authorities and leaves. */
#ifndef PKI_EXTENSIONS_H
#define PKI_EXTENSIONS_H

#include "base/error.h"
#include "pki/pki.h"

#include <openssl/x509.h>

/* Whether `name` can stand in a SAN DNS entry: letters, digits and '-' in labels of 1..63, 253 in all, "*." first at most. */
bool dns_name_ok(const char *name);

/* Basic constraints (CA, path length 0), key usage, key ids. The certificate's key must be set. */
MUST_CHECK bool extensions_add_ca(X509 *cert, Error *err);
/* Basic constraints, key usages, alternative names and key ids. false: ERR_INVALID (a name) or ERR_INTERNAL. */
MUST_CHECK bool extensions_add_leaf(X509 *cert, X509 *issuer, const LeafRequest *request, Error *err);

#endif
