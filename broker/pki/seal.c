/* Sealing with AES-256-GCM (NIST SP 800-38D): random nonce, context as associated data, keys by id. */
#include "pki/seal.h"

#include "base/digest.h"
#include "base/mem.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

enum { KEY_SIZE = 32, NONCE_SIZE = 12, TAG_SIZE = 16, MAX_ID = 32 };

typedef struct SealKey {
    char id[MAX_ID + 1];
    uint8_t key[KEY_SIZE];
} SealKey;

struct SealKeys {
    size_t count;
    SealKey *keys;
};

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

static bool id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static const SealKey *find(const SealKeys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->keys[i].id, id) == 0)
            return &keys->keys[i];
    return NULL;
}

/* One trimmed line "id:base64". */
static bool parse_line(const char *line, size_t n, int number, SealKey *ret, Error *err)
{
    size_t id = 0, key_len = 0;
    uint8_t *key = NULL;
    while (id < n && id_character(line[id]))
        id++;
    if (id == 0 || id > MAX_ID || id == n || line[id] != ':')
        return error_set(err, ERR_INVALID,
                         "sealing keys, line %d: must be \"id:base64\" with an id of 1 to %d of A-Z a-z 0-9 . _ -", number,
                         MAX_ID);
    if (!base64_decode(line + id + 1, n - id - 1, &key, &key_len, NULL))
        return error_set(err, ERR_INVALID, "sealing keys, line %d: the key is not base64", number);
    if (key_len == KEY_SIZE) {
        memset(ret, 0, sizeof(*ret));
        memcpy(ret->id, line, id);
        memcpy(ret->key, key, KEY_SIZE);
    }
    secret_free(key, key_len);
    return key_len == KEY_SIZE || error_set(err, ERR_INVALID, "sealing keys, line %d: the key has %zu bytes, %d are needed",
                                            number, key_len, KEY_SIZE);
}

static bool add_line(SealKeys *keys, const char *line, size_t n, int number, Error *err)
{
    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    while (n > 0 && (line[0] == ' ' || line[0] == '\t'))
        line++, n--;
    if (n == 0 || line[0] == '#')
        return true;
    SealKey *slot = &keys->keys[keys->count];
    if (!parse_line(line, n, number, slot, err))
        return false;
    if (find(keys, slot->id))
        return error_set(err, ERR_INVALID, "sealing keys, line %d: the id \"%s\" is there twice", number, slot->id);
    keys->count++;
    return true;
}

bool seal_keys_parse(const char *text, SealKeys **ret, Error *err)
{
    size_t lines = 1;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    CLEANUP(seal_keys_free) SealKeys *keys = xcalloc(1, sizeof(*keys));
    keys->keys = xcalloc(lines + 1, sizeof(*keys->keys));
    int number = 1;
    for (const char *line = text;; number++) {
        size_t n = strcspn(line, "\n");
        if (!add_line(keys, line, n, number, err))
            return false;
        if (line[n] == '\0')
            break;
        line += n + 1;
    }
    if (keys->count == 0)
        return error_set(err, ERR_INVALID, "sealing keys: there is no key; give at least one line \"id:base64-of-32-bytes\"");
    *ret = TAKE(keys);
    return true;
}

SealKeys *seal_keys_free(SealKeys *keys)
{
    if (keys) {
        secret_free(keys->keys, (keys->count + 1) * sizeof(*keys->keys)); /* and the slot of a refused line */
        free(keys);
    }
    return NULL;
}

const char *seal_key_id(const SealKeys *keys)
{
    return keys->keys[0].id;
}

static void must(bool ok)
{
    if (!ok)
        abort(); /* AES-GCM over memory fails only when OpenSSL itself is broken or an input bound is missing */
}

void seal(const SealKeys *keys, const char *context, const void *plain, size_t n, uint8_t **ret, size_t *ret_len)
{
    must(n <= INT_MAX - NONCE_SIZE - TAG_SIZE);
    CLEANUP(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t *out = xmalloc(NONCE_SIZE + n + TAG_SIZE);
    int some = 0;
    random_bytes(out, NONCE_SIZE);
    must(c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, keys->keys[0].key, out) == 1);
    must(EVP_EncryptUpdate(c, NULL, &some, (const uint8_t *)context, (int)strlen(context)) == 1);
    must(n == 0 || EVP_EncryptUpdate(c, out + NONCE_SIZE, &some, plain, (int)n) == 1);
    must(EVP_EncryptFinal_ex(c, out + NONCE_SIZE + n, &some) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, out + NONCE_SIZE + n) == 1);
    *ret = out;
    *ret_len = NONCE_SIZE + n + TAG_SIZE;
}

/* Decrypts `n` bytes of ciphertext to `plain`. false: the tag does not fit. */
static bool decrypt(const SealKey *key, const char *context, const uint8_t *sealed, size_t n, uint8_t *plain)
{
    CLEANUP(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t tag[TAG_SIZE];
    int some = 0;
    memcpy(tag, sealed + NONCE_SIZE + n, TAG_SIZE);
    must(c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->key, sealed) == 1);
    must(EVP_DecryptUpdate(c, NULL, &some, (const uint8_t *)context, (int)strlen(context)) == 1);
    must(n == 0 || EVP_DecryptUpdate(c, plain, &some, sealed + NONCE_SIZE, (int)n) == 1);
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1);
    return EVP_DecryptFinal_ex(c, plain + n, &some) == 1;
}

char *seal_context(const char *instance_id, const char *binding_id, const char *name)
{
    return xasprintf("%s/%s/%s", instance_id, binding_id ? binding_id : "", name);
}

bool seal_open(const SealKeys *keys, const Sealed *sealed, const char *context, uint8_t **ret, size_t *ret_len, Error *err)
{
    const char *key_id = sealed->key_id;
    size_t n = sealed->len;
    const SealKey *key = find(keys, key_id);
    if (!key)
        return error_set(err, ERR_DENIED, "no sealing key \"%.32s\" is configured; add it to the key file", key_id);
    if (n < NONCE_SIZE + TAG_SIZE || n > INT_MAX)
        return error_set(err, ERR_INVALID, "the sealed value of %zu bytes is damaged", n);
    size_t len = n - NONCE_SIZE - TAG_SIZE;
    uint8_t *plain = xmalloc(len + 1);
    if (!decrypt(key, context, sealed->data, len, plain)) {
        secret_free(plain, len + 1);
        return error_set(err, ERR_INVALID, "a sealed value was altered, or belongs to another place, or the key \"%.32s\" changed",
                         key_id);
    }
    plain[len] = '\0';
    *ret = plain;
    *ret_len = len;
    return true;
}
