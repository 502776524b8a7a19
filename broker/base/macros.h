/* Compiler attributes and the cleanup idiom that every other file uses. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define PRINTF_LIKE(text_at, first) __attribute__((format(printf, text_at, first)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A local declared with CLEANUP(f) is released by f when it goes out of scope. */
#define CLEANUP(f) __attribute__((cleanup(f##_cleanup)))

/* Makes CLEANUP(f) usable for variables of `type` (a pointer); f must accept NULL. */
#define DEFINE_CLEANUP(type, f)                                                                    \
    static inline UNUSED void f##_cleanup(type *p)                                                 \
    {                                                                                              \
        if (*p)                                                                                    \
            f(*p);                                                                                 \
    }

/* Hands a pointer over: yields its value and leaves NULL behind. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#endif
