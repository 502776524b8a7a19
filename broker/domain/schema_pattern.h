/*
 * Patterns: regular expressions of ECMA 262 (with code points), searched for in a text. Compiled to a program whose paths are followed all
 * at once: a match takes at most text length x program size steps, allocates nothing that stays, and changes nothing (regexec of the C
 * library takes seconds and hundreds of megabytes, which it keeps, for nested repetitions, and counts bytes or asks for a locale).
 */
#ifndef DOMAIN_SCHEMA_PATTERN_H
#define DOMAIN_SCHEMA_PATTERN_H

#include "base/error.h"

#include <stdint.h>

typedef enum Op {
    OP_CHARACTER, /* x: the code point */
    OP_SET,       /* x: the number of the set */
    OP_SPLIT,     /* go on at +x and at +y */
    OP_JUMP,      /* go on at +x */
    OP_BEGIN,     /* only before the first character */
    OP_END,       /* only behind the last one */
    OP_FOUND,
} Op;

typedef struct Instruction {
    Op op;
    int32_t x, y; /* offsets are relative, so that a piece of program can be repeated by copying */
} Instruction;

typedef struct Range {
    uint32_t from, to;
} Range;

typedef struct Set {
    size_t first, count; /* of the ranges */
    bool negated;
} Set;

typedef struct Pattern {
    Instruction *code;
    size_t size;
    Set *sets;
    size_t set_count;
    Range *ranges;
    size_t range_count;
} Pattern;

/*
 * Takes: characters, ".", classes, ^, $, groups ("(…)", "(?:…)"), |, *, +, ?, {m}, {m,}, {m,n} up to 255, escapes of punctuation, \t \n \v
 * \f \r, \d \w \s and, outside of classes, \D \W \S. false: ERR_INVALID "has …" for all else (looking around, back references, \b, lazy
 * repetitions, \u) and for a program of more than 4096 instructions once repetitions are written out.
 */
MUST_CHECK bool pattern_compile(const char *text, Pattern **ret, Error *err);
/* Whether it matches anywhere in `s` (UTF-8). */
bool pattern_found(const Pattern *p, const char *s);
Pattern *pattern_free(Pattern *p);
DEFINE_CLEANUP(Pattern *, pattern_free)

/* The code point at *s, which must not be at its end; moves *s behind it. */
uint32_t utf8_next(const char **s);

#endif
