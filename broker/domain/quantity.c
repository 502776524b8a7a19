/* Kubernetes resource quantities. */
#include "domain/quantity.h"

#include <stdlib.h>
#include <string.h>

/* A number of at most 12 digits, then the rest of the text. */
static bool whole_number(const char *text, int64_t *ret, const char **ret_rest)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 12)
        return false;
    *ret = strtoll(text, NULL, 10);
    *ret_rest = text + digits;
    return true;
}

bool quantity_millicores(const char *text, int64_t *ret, Error *err)
{
    int64_t n;
    const char *rest;
    if (!text || !whole_number(text, &n, &rest) || (*rest && strcmp(rest, "m") != 0))
        return error_set(err, ERR_INVALID, "\"%s\" is not a CPU quantity; write cores (\"2\") or millicores (\"500m\")",
                         text ? text : "");
    *ret = *rest ? n : n * 1000;
    return true;
}

bool quantity_bytes(const char *text, int64_t *ret, Error *err)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"", 1},          {"k", 1000},      {"M", 1000000},     {"G", 1000000000},   {"T", 1000000000000},
                 {"Ki", 1L << 10}, {"Mi", 1L << 20}, {"Gi", 1L << 30}, {"Ti", 1L << 40}};
    int64_t n;
    const char *rest;
    if (text && whole_number(text, &n, &rest))
        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
            if (strcmp(rest, units[i].suffix) == 0 && n <= INT64_MAX / units[i].factor) {
                *ret = n * units[i].factor;
                return true;
            }
    return error_set(err, ERR_INVALID, "\"%s\" is not a size; write for example 512Mi or 20Gi", text ? text : "");
}
