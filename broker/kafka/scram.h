/* Client side of SCRAM (RFC 5802, RFC 7677 and the same with SHA-512), without I/O. */
#ifndef KAFKA_SCRAM_H
#define KAFKA_SCRAM_H

#include "base/digest.h"

typedef struct Scram Scram;

/* Copies user and password. `nonce` NULL = a random one (KIP-84 wants printable ASCII without commas). */
Scram *scram_new(DigestKind kind, const char *user, const char *password, const char *nonce);
Scram *scram_free(Scram *s);
DEFINE_CLEANUP(Scram *, scram_free)

/* client-first-message; borrowed. */
const char *scram_first(const Scram *s);
/*
 * Takes server-first-message, gives client-final-message (the caller frees with secret_string_free). Refuses a nonce that does not begin with
 * ours or adds nothing, extensions ("m="), an empty salt, and iterations outside 4096 … 1,000,000.
 * false: ERR_INTERNAL (malformed), ERR_DENIED (a server that must not be trusted with a proof).
 */
MUST_CHECK bool scram_final(Scram *s, const char *server_first, size_t n, char **ret, Error *err);
/* Checks server-final-message. false: ERR_INTERNAL (malformed), ERR_DENIED when the server reports an error or does not know the password itself. */
MUST_CHECK bool scram_verify(const Scram *s, const char *server_final, size_t n, Error *err);

#endif
