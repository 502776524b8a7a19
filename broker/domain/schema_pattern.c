/* Compiling patterns: a parser that writes the program as it reads. */
#include "domain/schema_pattern.h"

#include "base/mem.h"

#include <string.h>

enum {
    PATTERN_REPEATS = 255, /* largest bound of {m,n} */
    PATTERN_SIZE = 4096,   /* most instructions */
    PATTERN_DEPTH = 32,    /* groups within groups */
};

typedef struct Reader {
    const char *at;
    Pattern *p;
    int depth;
    const char *fault; /* what is wrong; NULL: nothing so far */
} Reader;

/* \d, \w and \s (white space and line ends of ECMA 262), and what "." leaves out. */
static const Range digit_ranges[] = {{'0', '9'}}, word_ranges[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const Range space_ranges[] = {{'\t', '\r'}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
                                     {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
static const Range line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static bool refuse(Reader *r, const char *fault)
{
    if (!r->fault)
        r->fault = fault;
    return false;
}

/* Appends `count` instructions; false when there is no room. */
static bool emit(Reader *r, const Instruction *code, size_t count)
{
    if (r->p->size + count > PATTERN_SIZE)
        return refuse(r, "is too large: more than 4096 characters once its repetitions are written out");
    memcpy(r->p->code + r->p->size, code, count * sizeof(*code));
    r->p->size += count;
    return true;
}

static bool emit_one(Reader *r, Op op, int32_t x, int32_t y)
{
    return emit(r, &(Instruction){op, x, y}, 1);
}

static void add_ranges(Reader *r, const Range *ranges, size_t count)
{
    Pattern *p = r->p;
    p->ranges = xrealloc(p->ranges, (p->range_count + count) * sizeof(*ranges));
    memcpy(p->ranges + p->range_count, ranges, count * sizeof(*ranges));
    p->range_count += count;
}

/* An instruction for the ranges added since `first`. */
static void emit_set(Reader *r, size_t first, bool negated)
{
    Pattern *p = r->p;
    p->sets = xrealloc(p->sets, (p->set_count + 1) * sizeof(*p->sets));
    p->sets[p->set_count] = (Set){first, p->range_count - first, negated};
    emit_one(r, OP_SET, (int32_t)p->set_count++, 0);
}

/* Adds the ranges of \d, \w or \s; false for other letters. */
static bool add_class(Reader *r, char c)
{
    switch (c) {
    case 'd': add_ranges(r, digit_ranges, ARRAY_SIZE(digit_ranges)); return true;
    case 'w': add_ranges(r, word_ranges, ARRAY_SIZE(word_ranges)); return true;
    case 's': add_ranges(r, space_ranges, ARRAY_SIZE(space_ranges)); return true;
    default: return false;
    }
}

/* An escaped character with `at` behind the backslash. */
static bool escaped_character(Reader *r, uint32_t *ret)
{
    static const char names[] = "tnvfr", values[] = "\t\n\v\f\r";
    const char *control = *r->at ? strchr(names, *r->at) : NULL;
    if (!control && (!*r->at || !strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", *r->at)))
        return refuse(r, "has an escape that is not one of punctuation, \\d, \\w, \\s, \\t, \\n, \\v, \\f, \\r or, outside of classes, \\D, \\W, \\S");
    *ret = (uint32_t)(control ? values[control - names] : *r->at);
    r->at++;
    return true;
}

static bool class_character(Reader *r, uint32_t *ret)
{
    if (*r->at == '\\') {
        r->at++;
        return escaped_character(r, ret);
    }
    *ret = utf8_next(&r->at);
    return true;
}

/* \d and the like, a character, or a range of characters. */
static bool class_member(Reader *r)
{
    Range range;
    if (r->at[0] == '\\' && add_class(r, r->at[1])) {
        r->at += 2;
        return r->at[0] != '-' || r->at[1] == ']' || refuse(r, "has a range that begins with a class");
    }
    if (!class_character(r, &range.from))
        return false;
    range.to = range.from;
    if (r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
        r->at++;
        if (!class_character(r, &range.to))
            return false;
        if (range.to < range.from)
            return refuse(r, "has a range that ends before it begins");
    }
    add_ranges(r, &range, 1);
    return true;
}

/* […] with `at` behind the bracket. */
static bool read_class(Reader *r)
{
    size_t first = r->p->range_count;
    bool negated = *r->at == '^';
    r->at += negated;
    if (*r->at == ']')
        return refuse(r, "has an empty class");
    while (*r->at && *r->at != ']')
        if (!class_member(r))
            return false;
    if (!*r->at)
        return refuse(r, "has a class without its end ]");
    r->at++;
    emit_set(r, first, negated);
    return true;
}

static bool read_dot(Reader *r)
{
    size_t first = r->p->range_count;
    add_ranges(r, line_ends, ARRAY_SIZE(line_ends));
    emit_set(r, first, true);
    return true;
}

/* \… with `at` behind the backslash. */
static bool read_escape(Reader *r)
{
    size_t first = r->p->range_count;
    uint32_t c;
    bool negated = *r->at == 'D' || *r->at == 'W' || *r->at == 'S';
    if (add_class(r, negated ? (char)(*r->at - 'A' + 'a') : *r->at)) {
        r->at++;
        emit_set(r, first, negated);
        return true;
    }
    return escaped_character(r, &c) && emit_one(r, OP_CHARACTER, (int32_t)c, 0);
}

static void read_alternatives(Reader *r);

/* (…) or (?:…) with `at` behind the parenthesis. */
static bool read_group(Reader *r)
{
    if (strncmp(r->at, "?:", 2) == 0)
        r->at += 2;
    else if (*r->at == '?')
        return refuse(r, "has a group that looks around or has a name");
    if (r->depth == PATTERN_DEPTH)
        return refuse(r, "has groups nested deeper than 32");
    r->depth++;
    read_alternatives(r);
    r->depth--;
    if (r->fault || *r->at != ')')
        return refuse(r, "has a group without its end )");
    r->at++;
    return true;
}

static bool read_atom(Reader *r)
{
    switch (*r->at) {
    case '(': r->at++; return read_group(r);
    case '[': r->at++; return read_class(r);
    case '.': r->at++; return read_dot(r);
    case '\\': r->at++; return read_escape(r);
    case '^': r->at++; return emit_one(r, OP_BEGIN, 0, 0);
    case '$': r->at++; return emit_one(r, OP_END, 0, 0);
    case '*':
    case '+':
    case '?':
    case '{': return refuse(r, "repeats nothing: write \\ before *, +, ? and { that stand for themselves");
    case ']':
    case '}': return refuse(r, "has a ] or } without its beginning: write \\ before it");
    default: return emit_one(r, OP_CHARACTER, (int32_t)utf8_next(&r->at), 0);
    }
}

/* Repeats the program from `start` on: `least` times, then up to `most` times or without end. */
static void repeat(Reader *r, size_t start, size_t least, size_t most, bool endless)
{
    size_t n = r->p->size - start;
    Instruction *piece = xmalloc((n + 1) * sizeof(*piece));
    memcpy(piece, r->p->code + start, n * sizeof(*piece));
    r->p->size = start;
    for (size_t i = 0; i < least && emit(r, piece, n); i++)
        ;
    if (endless && emit_one(r, OP_SPLIT, 1, (int32_t)n + 2) && emit(r, piece, n))
        emit_one(r, OP_JUMP, -(int32_t)n - 1, 0);
    for (size_t left = endless ? 0 : most - least; left > 0; left--)
        if (!emit_one(r, OP_SPLIT, 1, (int32_t)(left * (n + 1))) || !emit(r, piece, n))
            break;
    free(piece);
}

/* A number of a repetition, at most 255. */
static bool read_bound(Reader *r, size_t *ret)
{
    size_t digits = strspn(r->at, "0123456789");
    if (digits == 0)
        return refuse(r, "has a { that begins no repetition: write \\{");
    *ret = digits <= 3 ? strtoul(r->at, NULL, 10) : PATTERN_REPEATS + 1;
    r->at += digits;
    return *ret <= PATTERN_REPEATS || refuse(r, "has a repetition above 255");
}

/* {m}, {m,} or {m,n} with `at` behind the brace. */
static bool read_bounds(Reader *r, size_t *least, size_t *most, bool *endless)
{
    if (!read_bound(r, least))
        return false;
    *most = *least;
    *endless = false;
    if (*r->at == ',') {
        r->at++;
        *endless = *r->at == '}';
        if (!*endless && !read_bound(r, most))
            return false;
    }
    if (*r->at != '}')
        return refuse(r, "has a { that begins no repetition: write \\{");
    r->at++;
    return *endless || *most >= *least || refuse(r, "has a repetition that ends before it begins");
}

/* An atom and what repeats it. */
static bool read_term(Reader *r)
{
    size_t start = r->p->size, least = 0, most = 1;
    bool anchor = *r->at == '^' || *r->at == '$', endless = false;
    if (!read_atom(r))
        return false;
    if (!*r->at || !strchr("*+?{", *r->at))
        return true;
    if (anchor)
        return refuse(r, "repeats an anchor");
    char kind = *r->at++;
    if (kind == '{' && !read_bounds(r, &least, &most, &endless))
        return false;
    if (kind == '*' || kind == '+') {
        endless = true;
        least = kind == '+';
    }
    if (*r->at && strchr("*+?{", *r->at))
        return refuse(r, "has a repetition of a repetition, or a lazy one");
    repeat(r, start, least, most, endless);
    return true;
}

/* Branches between "|". */
static void read_alternatives(Reader *r)
{
    size_t start = r->p->size;
    while (!r->fault && *r->at && *r->at != '|' && *r->at != ')')
        read_term(r);
    if (r->fault || *r->at != '|' || !emit_one(r, OP_JUMP, 0, 0) || !emit_one(r, OP_JUMP, 0, 0))
        return;
    r->at++;
    size_t behind = r->p->size;
    memmove(r->p->code + start + 1, r->p->code + start, (behind - start - 1) * sizeof(Instruction));
    r->p->code[start] = (Instruction){OP_SPLIT, 1, (int32_t)(behind - start)};
    read_alternatives(r);
    r->p->code[behind - 1].x = (int32_t)(r->p->size - behind + 1);
}

bool pattern_compile(const char *text, Pattern **ret, Error *err)
{
    CLEANUP(pattern_free) Pattern *p = xcalloc(1, sizeof(*p));
    p->code = xmalloc(PATTERN_SIZE * sizeof(*p->code));
    Reader r = {.at = text, .p = p};
    read_alternatives(&r);
    if (*r.at)
        refuse(&r, "has a ) without its beginning");
    emit_one(&r, OP_FOUND, 0, 0);
    if (r.fault)
        return error_set(err, ERR_INVALID, "%s", r.fault);
    p->code = xrealloc(p->code, p->size * sizeof(*p->code));
    *ret = TAKE(p);
    return true;
}
