/* Sealing of secrets at rest: AES-256-GCM with a key id per value, so that keys can rotate while the service runs. */
#ifndef PKI_SEAL_H
#define PKI_SEAL_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Immutable after loading; shared by all threads. */
typedef struct SealKeys SealKeys;

/*
 * Keys are lines "id:base64-of-32-bytes" (id: 1..32 of [A-Za-z0-9._-]); `#` comments and blank lines are allowed. The first one seals,
 * all open. false: ERR_INVALID naming the line, never its content.
 */
MUST_CHECK bool seal_keys_parse(const char *text, SealKeys **ret, Error *err);
SealKeys *seal_keys_free(SealKeys *keys);
DEFINE_CLEANUP(SealKeys *, seal_keys_free)

/* Id of the key that seals; borrowed. */
const char *seal_key_id(const SealKeys *keys);

/* The context of an instance's secret (binding_id NULL) or a binding's: where it belongs. The caller frees. */
char *seal_context(const char *instance_id, const char *binding_id, const char *name);

/* Seals n bytes; `context` is authenticated with it (the row's identity), so a value moved to another row does not open. Result: 12-byte nonce, ciphertext, 16-byte tag; caller frees. */
void seal(const SealKeys *keys, const char *context, const void *plain, size_t n, uint8_t **ret, size_t *ret_len);
/* A sealed value as it is stored; borrowed. */
typedef struct Sealed {
    const char *key_id;
    const void *data;
    size_t len;
} Sealed;

/* Opens; *ret is NUL-terminated besides, free with secret_free. false: ERR_DENIED (key id unknown) or ERR_INVALID (altered, wrong row). */
MUST_CHECK bool seal_open(const SealKeys *keys, const Sealed *sealed, const char *context, uint8_t **ret, size_t *ret_len, Error *err);

#endif
