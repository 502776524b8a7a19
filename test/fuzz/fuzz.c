/* The shared part of the fuzz targets. */
#include "fuzz.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

_Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

char *input_line(Input *in)
{
    if (in->left == 0)
        return NULL;
    size_t n = 0;
    while (n < in->left && in->at[n] != '\n' && in->at[n] != '\r')
        n++;
    char *line = xstrndup(in->at, n);
    n += n < in->left;
    in->at += n;
    in->left -= n;
    return line;
}

char *input_rest(Input *in, size_t *ret_len)
{
    char *text = xmalloc(in->left + 1);
    memcpy(text, in->at, in->left);
    text[in->left] = '\0';
    *ret_len = in->left;
    *in = (Input){0};
    return text;
}

bool fuzz_is_utf8(const char *text, size_t n)
{
    CLEANUP_JSON json_t *valid = json_stringn(text, n);
    return valid != NULL;
}

void fuzz_check_error(const Error *err, ErrorKind kind)
{
    HOLDS(err->kind == kind);
    size_t n = strnlen(err->text, sizeof(err->text));
    HOLDS(n > 0 && n < sizeof(err->text));
    HOLDS(fuzz_is_utf8(err->text, n));
}

void fuzz_check_faults(Faults *faults)
{
    HOLDS(faults->count > 0);
    for (size_t i = 0; i < faults->count; i++)
        HOLDS(*faults->at[i].text && fuzz_is_utf8(faults->at[i].text, strlen(faults->at[i].text)));
    faults_clear(faults);
}

bool fuzz_same_json(const json_t *a, const json_t *b)
{
    CLEANUP_FREE char *first = json_canonical(a), *second = json_canonical(b);
    return strcmp(first, second) == 0;
}

const Catalog *fuzz_catalog(void)
{
    static Catalog *catalog;
    CLEANUP(faults_clear) Faults faults = {0};
    if (!catalog && !catalog_load("catalog", NULL, NULL, &catalog, &faults)) {
        fprintf(stderr, "%s: %s\n", faults.at[0].file, faults.at[0].text);
        abort();
    }
    return catalog;
}
