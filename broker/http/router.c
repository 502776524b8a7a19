/* Route matching on raw segments, decoding of the ids afterwards. */
#include "http/router.h"

#include <stdio.h>
#include <string.h>

static bool matches(const char *pattern, const char *path, RouteMatch *ret)
{
    ret->count = 0;
    while (*pattern == '/' && *path == '/') {
        size_t wanted = strcspn(++pattern, "/"), given = strcspn(++path, "/");
        if (*pattern == ':') {
            if (given == 0 || ret->count == HTTP_MAX_SEGMENTS)
                return false;
            ret->segments[ret->count] = path;
            ret->lengths[ret->count++] = given;
        } else if (wanted != given || memcmp(pattern, path, given) != 0) {
            return false;
        }
        pattern += wanted;
        path += given;
    }
    return !*pattern && !*path;
}

RouteResult router_find(const Route *routes, const char *method, const char *path, RouteMatch *ret)
{
    RouteResult result = ROUTE_UNKNOWN;
    for (const Route *r = routes; r->method; r++) {
        RouteMatch match = {.route = r};
        if (!matches(r->pattern, path, &match))
            continue;
        if (strcmp(r->method, method) == 0) {
            *ret = match;
            return ROUTE_FOUND;
        }
        result = ROUTE_WRONG_METHOD;
    }
    return result;
}

void router_allow(const Route *routes, const char *path, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (const Route *r = routes; r->method && len < size; r++) {
        RouteMatch match;
        if (matches(r->pattern, path, &match))
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", r->method);
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(const char *raw, size_t n, char *out, size_t *ret_len)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (raw[i] != '%') {
            out[len++] = raw[i];
            continue;
        }
        int high = i + 2 < n ? hex_value(raw[i + 1]) : -1, low = i + 2 < n ? hex_value(raw[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return false;
        out[len++] = (char)(high * 16 + low);
        i += 2;
    }
    out[len] = '\0';
    *ret_len = len;
    return true;
}

bool router_decode_id(const char *raw, size_t n, char out[HTTP_MAX_ID + 1], Error *err)
{
    char text[3 * HTTP_MAX_ID + 1];
    size_t len;
    if (n >= sizeof(text))
        return error_set(err, ERR_INVALID, "an id in the path is longer than %d bytes", HTTP_MAX_ID);
    if (!percent_decode(raw, n, text, &len))
        return error_set(err, ERR_INVALID, "an id in the path has a bad percent escape");
    if (len > HTTP_MAX_ID)
        return error_set(err, ERR_INVALID, "an id in the path is longer than %d bytes", HTTP_MAX_ID);
    if (len == 0 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return error_set(err, ERR_INVALID, "\"%s\" in the path is not an id", text);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return error_set(err, ERR_INVALID, "an id in the path holds a control character");
    CLEANUP_JSON json_t *valid = json_stringn(text, len); /* NULL unless UTF-8 */
    if (!valid)
        return error_set(err, ERR_INVALID, "an id in the path is not valid UTF-8");
    memcpy(out, text, len + 1);
    return true;
}
