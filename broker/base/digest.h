/* Random bytes, digests, MACs, and base64/hex: the small cryptographic vocabulary of every layer. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

#define SHA256_SIZE 32
#define SHA512_SIZE 64

typedef enum DigestKind { DIGEST_SHA256, DIGEST_SHA512 } DigestKind;

/* Bytes of a digest: 32 or 64. */
size_t digest_size(DigestKind kind);
/* From the kernel's generator; aborts if there is none. */
void random_bytes(void *out, size_t n);
/* A random text of `n` characters out of [A-Za-z0-9] (5.95 bits each); the caller frees with secret_string_free. */
char *random_text(size_t n);
/* A random UUID (RFC 4122, version 4) in lower case; `out` holds 37 bytes. */
void random_uuid(char out[37]);

/* Writes digest_size(kind) bytes to `out`. */
void digest(DigestKind kind, const void *data, size_t n, uint8_t *out);
void digest_hmac(DigestKind kind, const void *key, size_t key_len, const void *data, size_t n, uint8_t *out);
/* PBKDF2-HMAC (RFC 8018; SCRAM's Hi() of RFC 5802): writes digest_size(kind) bytes. */
void digest_pbkdf2(DigestKind kind, const char *password, const void *salt, size_t salt_len, int iterations,
                   uint8_t *out);
/* Compares in constant time. */
bool equal_constant_time(const void *a, const void *b, size_t n);

/* Lower-case hex of SHA-256; the caller frees. */
char *sha256_hex(const void *data, size_t n);
/* RFC 4648 section 4, no line breaks; the caller frees. */
char *base64_encode(const void *data, size_t n);
/* RFC 4648 section 5 without padding; the caller frees. */
char *base64url_encode(const void *data, size_t n);
/* Decodes section 4 text (padding required, white space refused). false: ERR_INVALID. The caller frees *ret (always NUL-terminated). */
MUST_CHECK bool base64_decode(const char *text, size_t n, uint8_t **ret, size_t *ret_len, Error *err);

#endif
