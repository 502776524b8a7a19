/* HTTP Basic in constant time, and the version header. */
#include "http/auth.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

void auth_init(Auth *auth, const char *username, const char *password)
{
    digest(DIGEST_SHA256, username, strlen(username), auth->username);
    digest(DIGEST_SHA256, password, strlen(password), auth->password);
    CLEANUP_SECRET char *plain = xasprintf("%s:%s", username, password);
    CLEANUP_SECRET char *encoded = base64_encode(plain, strlen(plain));
    CLEANUP_SECRET char *header = xasprintf("Basic %s", encoded);
    digest(DIGEST_SHA256, header, strlen(header), auth->header);
}

static bool equal_credentials(const Auth *auth, const char *text, size_t n)
{
    const char *colon = memchr(text, ':', n);
    if (!colon)
        return false;
    size_t name_len = (size_t)(colon - text);
    uint8_t username[SHA256_SIZE], password[SHA256_SIZE];
    digest(DIGEST_SHA256, text, name_len, username);
    digest(DIGEST_SHA256, colon + 1, n - name_len - 1, password);
    bool same_name = equal_constant_time(username, auth->username, SHA256_SIZE);
    bool same_password = equal_constant_time(password, auth->password, SHA256_SIZE);
    return same_name & same_password;
}

bool auth_accepts(const Auth *auth, const char *header)
{
    if (!header || strncasecmp(header, "Basic ", 6) != 0)
        return false;
    uint8_t whole[SHA256_SIZE];
    digest(DIGEST_SHA256, header, strlen(header), whole);
    if (equal_constant_time(whole, auth->header, SHA256_SIZE))
        return true;
    const char *text = header + 6 + strspn(header + 6, " ");
    size_t n = strcspn(text, " ");
    uint8_t *plain;
    size_t plain_len;
    if (text[n + strspn(text + n, " ")] || !base64_decode(text, n, &plain, &plain_len, NULL))
        return false;
    bool accepted = equal_credentials(auth, (const char *)plain, plain_len);
    secret_free(plain, plain_len);
    return accepted;
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
