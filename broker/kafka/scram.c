/* Client side of SCRAM. */
#include "kafka/scram.h"

#include "base/mem.h"
#include "kafka/wire.h"

#include <string.h>

enum { ITERATIONS_MIN = 4096, ITERATIONS_MAX = 1000000, NONCE_LENGTH = 32, MESSAGE_MAX = 4096 };

struct Scram {
    DigestKind kind;
    char *password;
    char *nonce;
    char *first;
    uint8_t server_signature[SHA512_SIZE];
    bool proved;
};

/* saslname of RFC 5802 section 5.1: "=" and "," are written as =3D and =2C. */
static void append_name(Str *out, const char *user)
{
    for (; *user; user++) {
        if (*user == '=')
            str_append(out, "=3D");
        else if (*user == ',')
            str_append(out, "=2C");
        else
            str_append_char(out, *user);
    }
}

Scram *scram_new(DigestKind kind, const char *user, const char *password, const char *nonce)
{
    Scram *s = xcalloc(1, sizeof(*s));
    Str first = STR_INIT;
    s->kind = kind;
    s->password = xstrdup(password);
    s->nonce = nonce ? xstrdup(nonce) : random_text(NONCE_LENGTH);
    str_append(&first, "n,,n=");
    append_name(&first, user);
    str_appendf(&first, ",r=%s", s->nonce);
    s->first = str_take(&first);
    return s;
}

Scram *scram_free(Scram *s)
{
    if (!s)
        return NULL;
    secret_string_free(s->password);
    free(s->nonce);
    free(s->first);
    secret_free(s, sizeof(*s));
    return NULL;
}

const char *scram_first(const Scram *s)
{
    return s->first;
}

/* Value of the attribute `name` at *at, which moves behind the comma that follows; NULL when another attribute stands there. */
static char *take_attribute(const char **at, char name)
{
    if ((*at)[0] != name || (*at)[1] != '=')
        return NULL;
    size_t n = strcspn(*at + 2, ",");
    char *value = xstrndup(*at + 2, n);
    *at += 2 + n + ((*at)[2 + n] == ',');
    return value;
}

static bool check_nonce(const Scram *s, const char *nonce, Error *err)
{
    size_t ours = strlen(s->nonce);
    if (!nonce)
        return error_set(err, ERR_INTERNAL, "SCRAM: the server's first message does not begin with a nonce");
    if (strncmp(nonce, s->nonce, ours) != 0 || nonce[ours] == '\0')
        return error_set(err, ERR_DENIED, "SCRAM: the server's nonce does not extend ours; the answer may be a replay");
    return true;
}

static bool check_iterations(const char *text, int *ret, Error *err)
{
    char *end = NULL;
    long n = text && *text >= '1' && *text <= '9' ? strtol(text, &end, 10) : 0;
    if (!end || *end)
        return error_set(err, ERR_INTERNAL, "SCRAM: the server's first message has no iteration count");
    if (n < ITERATIONS_MIN || n > ITERATIONS_MAX)
        return error_set(err, ERR_DENIED, "SCRAM: the server asks for %ld iterations; %d to %d are accepted", n, ITERATIONS_MIN, ITERATIONS_MAX);
    *ret = (int)n;
    return true;
}

/* The formulas of RFC 5802 section 3; writes the proof and keeps the server's signature for later. */
static void prove(Scram *s, const uint8_t *salted, const char *auth_message, uint8_t *proof)
{
    uint8_t client_key[SHA512_SIZE], stored_key[SHA512_SIZE], signature[SHA512_SIZE], server_key[SHA512_SIZE];
    size_t n = digest_size(s->kind), length = strlen(auth_message);
    digest_hmac(s->kind, salted, n, "Client Key", strlen("Client Key"), client_key);
    digest(s->kind, client_key, n, stored_key);
    digest_hmac(s->kind, stored_key, n, auth_message, length, signature);
    for (size_t i = 0; i < n; i++)
        proof[i] = client_key[i] ^ signature[i];
    digest_hmac(s->kind, salted, n, "Server Key", strlen("Server Key"), server_key);
    digest_hmac(s->kind, server_key, n, auth_message, length, s->server_signature);
    s->proved = true;
    explicit_bzero(client_key, sizeof(client_key));
    explicit_bzero(stored_key, sizeof(stored_key));
    explicit_bzero(server_key, sizeof(server_key));
}

/* client-final-message; "biws" is base64 of the GS2 header "n,,". */
static char *final_message(Scram *s, const char *server_first, const char *nonce, const uint8_t *salted)
{
    CLEANUP_STR Str auth_message = STR_INIT;
    uint8_t proof[SHA512_SIZE];
    str_appendf(&auth_message, "%s,%s,c=biws,r=%s", s->first + strlen("n,,"), server_first, nonce);
    prove(s, salted, str_text(&auth_message), proof);
    CLEANUP_FREE char *text = base64_encode(proof, digest_size(s->kind));
    explicit_bzero(proof, sizeof(proof));
    return xasprintf("c=biws,r=%s,p=%s", nonce, text);
}

static char *copy_message(const char *text, size_t n, Error *err)
{
    if (n <= MESSAGE_MAX && !memchr(text, '\0', n))
        return xstrndup(text, n);
    error_set(err, ERR_INTERNAL, "SCRAM: the server's message is too long or is not text");
    return NULL;
}

bool scram_final(Scram *s, const char *server_first, size_t n, char **ret, Error *err)
{
    CLEANUP_FREE char *message = copy_message(server_first, n, err);
    if (!message)
        return false;
    const char *at = message;
    CLEANUP_FREE char *nonce = take_attribute(&at, 'r');
    CLEANUP_FREE char *salt_text = take_attribute(&at, 's');
    CLEANUP_FREE char *count = take_attribute(&at, 'i');
    CLEANUP_STR Str salt = STR_INIT;
    int iterations = 0;
    if (!check_nonce(s, nonce, err))
        return false;
    if (!salt_text || !wire_put_base64(&salt, salt_text) || !salt.len)
        return error_set(err, ERR_INTERNAL, "SCRAM: the server's first message has no salt in base64");
    if (!check_iterations(count, &iterations, err))
        return false;
    uint8_t salted[SHA512_SIZE];
    digest_pbkdf2(s->kind, s->password, str_text(&salt), salt.len, iterations, salted);
    *ret = final_message(s, message, nonce, salted);
    explicit_bzero(salted, sizeof(salted));
    return true;
}

bool scram_verify(const Scram *s, const char *server_final, size_t n, Error *err)
{
    CLEANUP_FREE char *message = copy_message(server_final, n, err);
    if (!message)
        return false;
    const char *at = message;
    CLEANUP_FREE char *refusal = take_attribute(&at, 'e');
    if (refusal)
        return error_set(err, ERR_DENIED, "SCRAM: the server refuses: %s", refusal);
    CLEANUP_FREE char *value = take_attribute(&at, 'v');
    CLEANUP_STR Str signature = STR_INIT;
    if (!value || !wire_put_base64(&signature, value))
        return error_set(err, ERR_INTERNAL, "SCRAM: the server's final message has no signature");
    if (!s->proved || signature.len != digest_size(s->kind) ||
        !equal_constant_time(str_text(&signature), s->server_signature, signature.len))
        return error_set(err, ERR_DENIED, "SCRAM: the server's signature is wrong; it does not hold this user's password");
    return true;
}
