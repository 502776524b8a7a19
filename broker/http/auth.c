/* HTTP Basic in constant time, and the version header. */
#include "http/auth.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

void auth_add(Auth *auth, const char *username, const char *password)
{
    if (auth->count == AUTH_MAX_PAIRS)
        abort();
    AuthPair *pair = &auth->pairs[auth->count++];
    CLEANUP_SECRET char *plain = xasprintf("%s:%s", username, password);
    CLEANUP_SECRET char *encoded = base64_encode(plain, strlen(plain));
    pair->user = xstrdup(username);
    pair->header = xasprintf("Basic %s", encoded);
    pair->header_len = strlen(pair->header);
    digest(DIGEST_SHA256, username, strlen(username), pair->username);
    digest(DIGEST_SHA256, password, strlen(password), pair->password);
}

void auth_clear(Auth *auth)
{
    for (size_t i = 0; i < auth->count; i++) {
        free(auth->pairs[i].user);
        secret_string_free(auth->pairs[i].header);
    }
    *auth = (Auth){0};
}

static const char *user_of_header(const Auth *auth, const char *header, size_t n)
{
    const char *user = NULL;
    for (size_t i = 0; i < auth->count; i++) {
        const AuthPair *pair = &auth->pairs[i];
        if (n == pair->header_len && equal_constant_time(header, pair->header, n))
            user = pair->user;
    }
    return user;
}

static const char *user_of_credentials(const Auth *auth, const char *text, size_t n)
{
    const char *user = NULL, *colon = memchr(text, ':', n);
    if (!colon)
        return NULL;
    size_t name_len = (size_t)(colon - text);
    uint8_t username[SHA256_SIZE], password[SHA256_SIZE];
    digest(DIGEST_SHA256, text, name_len, username);
    digest(DIGEST_SHA256, colon + 1, n - name_len - 1, password);
    for (size_t i = 0; i < auth->count; i++) {
        bool same_name = equal_constant_time(username, auth->pairs[i].username, SHA256_SIZE);
        bool same_password = equal_constant_time(password, auth->pairs[i].password, SHA256_SIZE);
        if (same_name & same_password)
            user = auth->pairs[i].user;
    }
    return user;
}

const char *auth_user(const Auth *auth, const char *header)
{
    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return NULL;
    const char *user = user_of_header(auth, header, strlen(header));
    if (user)
        return user;
    const char *text = header + 6 + strspn(header + 6, " ");
    size_t n = strcspn(text, " ");
    uint8_t *plain;
    size_t plain_len;
    if (text[n + strspn(text + n, " ")] || !base64_decode(text, n, &plain, &plain_len, NULL))
        return NULL;
    user = user_of_credentials(auth, (const char *)plain, plain_len);
    secret_free(plain, plain_len);
    return user;
}

bool version_parse(const char *header, int *ret_minor)
{
    if (!header || header[0] != '2' || header[1] != '.')
        return false;
    const char *digits = header + 2;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 4 || digits[n])
        return false;
    int minor = (int)strtol(digits, NULL, 10);
    if (minor < VERSION_OLDEST_MINOR)
        return false;
    *ret_minor = minor;
    return true;
}
