/* The header of the originating identity: a word, blanks, base64 of a JSON object. */
#include "http/identity.h"

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"

#include <string.h>

#define HEADER "X-Broker-API-Originating-Identity"

/* Length of the platform's name: visible ASCII up to the first blank. */
static size_t word_length(const char *text)
{
    size_t n = 0;
    while (text[n] > 0x20 && text[n] < 0x7f)
        n++;
    return n;
}

bool identity_parse(const char *header, PlatformIdentity *ret, Error *err)
{
    CLEANUP_JSON json_t *value = NULL;
    CLEANUP_FREE char *text = NULL;
    size_t n = strlen(header), word = word_length(header), blanks = strspn(header + word, " "), at = word + blanks, len;
    if (n > IDENTITY_MAX)
        return error_set(err, ERR_INVALID, HEADER " is longer than 8 KiB");
    if (word == 0 || blanks == 0)
        return error_set(err, ERR_INVALID, HEADER " must be a platform's name, a blank, and base64 of a JSON object");
    if (!base64_decode(header + at, n - at, (uint8_t **)&text, &len, err) || !json_parse(text, len, &value, err))
        return error_wrap(err, HEADER ": the value after the platform's name");
    if (!json_is_object(value))
        return error_set(err, ERR_INVALID, HEADER ": the value after the platform's name must be a JSON object");
    ret->platform = xstrndup(header, word);
    const char *user_id = json_string_value(json_object_get(value, "user_id"));
    ret->user = xstrdup(user_id ? user_id : json_string_value(json_object_get(value, "username")));
    return true;
}

void identity_clear(PlatformIdentity *identity)
{
    free(identity->platform);
    free(identity->user);
    *identity = (PlatformIdentity){0};
}
