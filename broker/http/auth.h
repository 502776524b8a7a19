/* Who asks, and in which version of the API: HTTP Basic (RFC 7617) and X-Broker-API-Version (OSB 2.17, API Version Header). */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "base/digest.h"

/* The agreed credentials, kept as SHA-256 only. */
typedef struct Auth {
    uint8_t username[SHA256_SIZE];
    uint8_t password[SHA256_SIZE];
    uint8_t header[SHA256_SIZE]; /* of the header as nearly all clients write it: one comparison instead of decoding */
} Auth;

void auth_init(Auth *auth, const char *username, const char *password);

/* Whether an Authorization header (NULL = none) holds the agreed name and password; both are always compared, in constant time. */
bool auth_accepts(const Auth *auth, const char *header);

#define VERSION_OLDEST_MINOR 11 /* the oldest that known platforms still speak */

/* The minor of "2.MINOR". false: missing (NULL), not of that form, another major, or older than VERSION_OLDEST_MINOR. Newer minors are fine: they only add. */
bool version_parse(const char *header, int *ret_minor);

#endif
