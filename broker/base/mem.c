/* Aborting allocation and erasing of secrets. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *checked(void *p)
{
    if (!p) {
        fputs("{\"level\":\"fatal\",\"event\":\"out of memory\"}\n", stderr);
        abort();
    }
    return p;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
    return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
    return checked(strndup(s, n));
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    char *s = NULL;
    va_start(args, format);
    int n = vasprintf(&s, format, args);
    va_end(args);
    return n < 0 ? checked(NULL) : s;
}

void secret_free(void *p, size_t size)
{
    if (!p)
        return;
    explicit_bzero(p, size);
    free(p);
}

void secret_string_free(char *s)
{
    if (s)
        secret_free(s, strlen(s));
}
