/* What every fuzz target needs: invariants that end the run, the input in pieces, checks that all targets share. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/json.h"
#include "domain/catalog.h"

#include <stdint.h>

/* An invariant: prints it and aborts when it does not hold. */
#define HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* libFuzzer's entry, one per target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What is left of an input. */
typedef struct Input {
    const char *at;
    size_t left;
} Input;

/* The next line without its end (LF, or CR), cut at a NUL; NUL-terminated in memory of its exact size. NULL: nothing is left. The caller frees. */
char *input_line(Input *in);
/* All that is left, NUL-terminated behind *ret_len bytes. The caller frees. */
char *input_rest(Input *in, size_t *ret_len);

/* A refusal: of that kind, its text not empty, whole UTF-8 and within its field. */
void fuzz_check_error(const Error *err, ErrorKind kind);
bool fuzz_is_utf8(const char *text, size_t n);
/* Of something that was refused: there are some, and their texts are sound. Clears them. */
void fuzz_check_faults(Faults *faults);
/* Two values of equal meaning give equal bytes. */
bool fuzz_same_json(const json_t *a, const json_t *b);
/* The repository's own catalog, loaded at the first call. */
const Catalog *fuzz_catalog(void);

#endif
