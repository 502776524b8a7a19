/* Allocation that aborts instead of failing: every input is bounded first, and jobs are leased, so a crash is a restart. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/macros.h"

#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* NULL gives NULL. */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
/* printf into a new string that the caller owns. */
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);
/* Overwrites `size` bytes so that the compiler cannot leave it out, then frees. NULL is accepted. */
void secret_free(void *p, size_t size);
/* secret_free for a NUL-terminated string. */
void secret_string_free(char *s);

DEFINE_CLEANUP(char *, free)
DEFINE_CLEANUP(char *, secret_string_free)
#define CLEANUP_FREE CLEANUP(free)
#define CLEANUP_SECRET CLEANUP(secret_string_free)

#endif
