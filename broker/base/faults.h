/* A list of what is wrong, each with the file it stands in: nothing is cut, nothing is said twice. */
#ifndef BASE_FAULTS_H
#define BASE_FAULTS_H

#include "base/error.h"

typedef struct Fault {
    char *file; /* or NULL */
    char *text;
} Fault;

/* Starts as {0}. */
typedef struct Faults {
    Fault *at;
    size_t count;
    char *file; /* of what is added next */
} Faults;

/* What is added from now on stands in this file (path or name); NULL: in none. */
void faults_in(Faults *f, const char *file);
/* Adds one, unless the file has it already. Returns false. */
bool fault_add(Faults *f, const char *format, ...) PRINTF_LIKE(2, 3);
/* Adds the error's text, without the file's name where it begins with it. Returns false. */
bool fault_add_error(Faults *f, const Error *err);
/* Says that the key at `path`, called `name`, is none of `known` (ended by NULL), and which was meant or which there are. Returns false. */
bool fault_unknown(Faults *f, const char *path, const char *name, const char *const *known);
/* Whether one of them begins so. */
bool faults_has(const Faults *f, const char *beginning);
void faults_clear(Faults *f);

static inline UNUSED void faults_clear_cleanup(Faults *f)
{
    faults_clear(f);
}

#endif
