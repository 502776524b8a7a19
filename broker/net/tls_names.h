/* Whose certificate it is. */
#ifndef NET_TLS_NAMES_H
#define NET_TLS_NAMES_H

#include <openssl/x509.h>
#include <stdbool.h>

/* Whether the subject's CN or a SAN (DNS, email, URI; RFC 5280, 4.2.1.6) equals one of the names of a comma list. Wildcards are not expanded; DNS names ignore case. */
bool tls_certificate_has_name(X509 *cert, const char *names);

#endif
