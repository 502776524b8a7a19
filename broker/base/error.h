/* One error value for the whole program: a kind that decides what happens, a text for people. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/macros.h"

#include <stdbool.h>

typedef enum ErrorKind {
    ERR_NONE,
    ERR_INVALID,   /* the input is wrong; repeating it cannot help */
    ERR_DENIED,    /* credentials or rights are missing */
    ERR_NOT_FOUND, /* the named thing does not exist */
    ERR_GONE,      /* it existed and is deleted */
    ERR_CONFLICT,  /* it exists and differs, or a precondition does not hold */
    ERR_BUSY,      /* another operation holds it */
    ERR_RETRY,     /* a dependency is away or overloaded; later may work */
    ERR_INTERNAL,  /* a defect or an unexpected answer */
    ERR_LOST,      /* the lease or the connection's ownership was lost: stop, write nothing */
} ErrorKind;

typedef struct Error {
    ErrorKind kind;
    int retry_after_seconds; /* with ERR_RETRY: what the other side asked for; 0 = unknown */
    char text[1024];
} Error;

/* Sets kind and text (cut to fit). Returns false, so that callers can `return error_set(…)`. `err` may be NULL. */
bool error_set(Error *err, ErrorKind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the text already in `err`; the kind stays. Returns false. */
bool error_wrap(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Stable lower-case word of a kind for logs ("invalid", "retry", …). */
const char *error_kind_name(ErrorKind kind);

#endif
