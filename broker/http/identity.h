/* Who caused a request at the platform: X-Broker-API-Originating-Identity (OSB 2.17, Originating Identity). */
#ifndef HTTP_IDENTITY_H
#define HTTP_IDENTITY_H

#include "base/error.h"

#define IDENTITY_MAX (8 * 1024) /* bytes of the header */

typedef struct PlatformIdentity {
    char *platform; /* "cloudfoundry", "kubernetes", … */
    char *user;     /* its user_id (Cloud Foundry) or username (Kubernetes); NULL when there is no such text */
} PlatformIdentity;

/* Parses "platform base64(JSON object)"; the caller clears *ret. false: ERR_INVALID, saying what is wrong without repeating the header. */
MUST_CHECK bool identity_parse(const char *header, PlatformIdentity *ret, Error *err);
void identity_clear(PlatformIdentity *identity);

#endif
