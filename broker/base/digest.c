/* Random bytes, digests, MACs and base64 on OpenSSL's EVP. */
#include "base/digest.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

size_t digest_size(DigestKind kind)
{
    return kind == DIGEST_SHA256 ? SHA256_SIZE : SHA512_SIZE;
}

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *methods[2];

/* EVP_sha256() looks its implementation up under a lock at each use; these are looked up once. */
static void fetch(void)
{
    methods[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    methods[DIGEST_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
}

static const EVP_MD *method(DigestKind kind)
{
    pthread_once(&fetched, fetch);
    return methods[kind];
}

void random_bytes(void *out, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom((char *)out + done, n - done, 0);
        if (got < 0)
            abort();
        done += (size_t)got;
    }
}

char *random_text(size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *text = xmalloc(n + 1);
    for (size_t i = 0; i < n;) {
        uint8_t b;
        random_bytes(&b, 1);
        if (b < 248) /* 4 * 62: no bias */
            text[i++] = alphabet[b % 62];
    }
    text[n] = '\0';
    return text;
}

void random_uuid(char out[37])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void must(int ok)
{
    if (!ok)
        abort(); /* digests of memory fail only when OpenSSL itself is broken */
}

void digest(DigestKind kind, const void *data, size_t n, uint8_t *out)
{
    must(EVP_Digest(data, n, out, NULL, method(kind), NULL));
}

void digest_hmac(DigestKind kind, const void *key, size_t key_len, const void *data, size_t n, uint8_t *out)
{
    must(HMAC(method(kind), key, (int)key_len, data, n, out, NULL) != NULL);
}

void digest_pbkdf2(DigestKind kind, const char *password, const void *salt, size_t salt_len, int iterations,
                   uint8_t *out)
{
    must(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_len, iterations, method(kind),
                           (int)digest_size(kind), out));
}

bool equal_constant_time(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

char *sha256_hex(const void *data, size_t n)
{
    uint8_t sum[SHA256_SIZE];
    digest(DIGEST_SHA256, data, n, sum);
    char *hex = xmalloc(2 * sizeof(sum) + 1);
    for (size_t i = 0; i < sizeof(sum); i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    return hex;
}

char *base64_encode(const void *data, size_t n)
{
    char *text = xmalloc((n + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, data, (int)n);
    return text;
}

char *base64url_encode(const void *data, size_t n)
{
    char *text = base64_encode(data, n);
    for (char *c = text; *c; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
        else if (*c == '=') {
            *c = '\0';
            break;
        }
    }
    return text;
}

bool base64_decode(const char *text, size_t n, uint8_t **ret, size_t *ret_len, Error *err)
{
    size_t padding = n >= 2 ? (size_t)(text[n - 1] == '=') + (size_t)(text[n - 2] == '=') : 0;
    for (size_t i = 0; i < n - padding; i++)
        if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') ||
              (text[i] >= '0' && text[i] <= '9') || text[i] == '+' || text[i] == '/'))
            return error_set(err, ERR_INVALID, "not base64: unexpected character at offset %zu", i);
    if (n % 4 != 0)
        return error_set(err, ERR_INVALID, "not base64: length %zu is not a multiple of 4", n);
    uint8_t *out = xmalloc(n / 4 * 3 + 1);
    int len = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (len < (int)padding) {
        free(out);
        return error_set(err, ERR_INVALID, "not base64");
    }
    *ret_len = (size_t)len - padding;
    out[*ret_len] = '\0';
    *ret = out;
    return true;
}
