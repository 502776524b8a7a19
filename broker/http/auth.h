/* Who asks, and in which version of the API: HTTP Basic (RFC 7617) and X-Broker-API-Version (OSB 2.17, API Version Header). */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "base/digest.h"

#define AUTH_MAX_PAIRS 2 /* so that a password can be changed while the old one is still in use */

typedef struct AuthPair {
    char *user;
    char *header; /* a secret: as nearly all clients write it, one comparison instead of decoding */
    size_t header_len;
    uint8_t username[SHA256_SIZE];
    uint8_t password[SHA256_SIZE];
} AuthPair;

/* The agreed credentials. */
typedef struct Auth {
    AuthPair pairs[AUTH_MAX_PAIRS];
    size_t count;
} Auth;

/* Adds a pair; at most AUTH_MAX_PAIRS. */
void auth_add(Auth *auth, const char *username, const char *password);
/* Erases all pairs. */
void auth_clear(Auth *auth);
static inline UNUSED void auth_clear_cleanup(Auth *auth)
{
    auth_clear(auth);
}

/* The user whose name and password an Authorization header (NULL = none) holds, borrowed from `auth`; NULL when it is nobody's. Every pair is compared, in constant time. */
const char *auth_user(const Auth *auth, const char *header);

#define VERSION_OLDEST_MINOR 11 /* the oldest that known platforms still speak */

/* The minor of "2.MINOR". false: missing (NULL), not of that form, another major, or older than VERSION_OLDEST_MINOR. Newer minors are fine: they only add. */
bool version_parse(const char *header, int *ret_minor);

#endif
