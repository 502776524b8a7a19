/* A compiled schema and what its parts do for each other; for domain/schema*.c only. */
#ifndef DOMAIN_SCHEMA_OWN_H
#define DOMAIN_SCHEMA_OWN_H

#include "base/str.h"
#include "domain/schema.h"
#include "domain/schema_format.h"
#include "domain/schema_pattern.h"

enum {
    SCHEMA_DEPTH = 32,           /* schemas within schemas */
    SCHEMA_JSON_DEPTH = 128,     /* arrays and objects within each other, in values and in schemas */
    SCHEMA_PATTERN_BYTES = 4096, /* longest string that is matched with a pattern */
    SCHEMA_UNIQUE_ITEMS = 1000,  /* most members that are compared with each other */
};

typedef struct Node Node;

typedef struct Property {
    const char *name;
    Node *node;
} Property;

typedef struct PropertyList {
    Property *at;
    size_t count;
} PropertyList;

/* One schema of the document. What points to JSON is borrowed from the schema's own copy; NULL, -1 and false: no such keyword. */
struct Node {
    Node *next; /* of all, for the release */
    const json_t *type, *fallback, *required, *enumeration, *constant, *minimum, *maximum, *multiple_of;
    const char *ref; /* the name within definitions */
    Node *target;    /* the schema that holds instead of this one: `ref` followed to its end */
    unsigned types;  /* bit (1 << json_type) for each type allowed; 0: all */
    json_int_t min_length, max_length, min_items, max_items, min_properties, max_properties;
    bool exclusive_minimum, exclusive_maximum, unique_items;
    bool closed; /* additionalProperties false */
    const char *pattern_text;
    Pattern *pattern;
    const Format *format;
    PropertyList properties;
    Node *additional, *items;
};

struct Schema {
    json_t *source;
    Node *root, *all;
    PropertyList definitions;
};

/* Where a value stands; built on the stack, written out only for a fault. */
typedef struct Place {
    const struct Place *up; /* NULL: the root */
    const char *name;       /* NULL: the index counts */
    size_t index;
} Place;

/* schema_check.c */
MUST_CHECK bool schema_check_node(const Node *n, const Place *at, const json_t *v, Error *err);

/* The schema that holds: the target of a $ref, else itself. */
static inline const Node *schema_node(const Node *n)
{
    return n->target ? n->target : n;
}

/* NULL when there is no such property. */
const Property *schema_property(const PropertyList *list, const char *name);

/* schema_value.c: values, equal and ordered by what they mean (1 is 1.0), numbers exactly. Nesting must be bounded by the caller. */
bool schema_too_deep(const json_t *v, int levels);
bool schema_equal(const json_t *a, const json_t *b);
/* The same for values that are equal. */
uint64_t schema_hash(const json_t *v);
/* Below 0, 0, above 0, as a is less than, equal to, greater than b. */
int schema_number_order(const json_t *a, const json_t *b);
/* Of decimal numbers as written: 0.0075 is a multiple of 0.0001. `of` is above 0. */
bool schema_number_is_multiple(const json_t *v, const json_t *of);
/* The valid number that is nearest to `v`, which breaks minimum, maximum or multipleOf of `n`; NULL when none was found. New reference. */
json_t *schema_number_nearest(const Node *n, const json_t *v);
size_t schema_code_points(const char *s);

/* schema_text.c: texts for people, whole UTF-8. Strings returned belong to the caller. */
/* ERR_INVALID with "PATH TEXT"; false. `err` NULL: nobody reads it. */
bool schema_fault(Error *err, const Place *at, const char *format, ...) PRINTF_LIKE(3, 4);
/* The value as JSON, shortened to 60 bytes. */
char *schema_value_text(const json_t *v);
/* The same with its type behind: `"3" (a string)`. */
char *schema_typed_text(const json_t *v);
/* "an integer or null" of the value of the keyword `type`. */
char *schema_type_text(const json_t *type);
/* Words in the order of their adding, ", " between; too many end with "…". Starts as {0}. */
typedef struct WordList {
    const char *wrong; /* NULL: nothing to compare with */
    Str text;
    bool full;
    const char *alike; /* what is most like `wrong`, borrowed from what was added; NULL: nothing is near */
    size_t distance;
} WordList;
/* Strings that are plain words are shown without quotes, other values as schema_value_text. */
void schema_list_value(WordList *list, const json_t *v);
void schema_list_name(WordList *list, const char *name);
/* `: did you mean "WORD"?`, or "". */
char *schema_did_you_mean(const WordList *list);

#endif
