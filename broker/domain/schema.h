/* JSON Schema (draft-04 with `const`): compiled once, then checked by any number of threads. */
#ifndef DOMAIN_SCHEMA_H
#define DOMAIN_SCHEMA_H

#include "base/faults.h"
#include "base/json.h"

/* A compiled schema; immutable: checking changes neither it nor a reference count. */
typedef struct Schema Schema;

/*
 * Compiles a copy of `schema`. Keywords: $schema (draft-04), title, description, default, type, properties, required, additionalProperties,
 * enum, const, minimum, maximum, exclusiveMinimum and exclusiveMaximum (booleans), multipleOf, minLength, maxLength, pattern, items (one
 * schema), minItems, maxItems, uniqueItems, minProperties, maxProperties, definitions (at the root), $ref ("#/definitions/NAME" only; the
 * members beside it do not count), format (date-time, uri, hostname, ipv4, ipv6, email, uuid).
 * false: every fault was added, with its JSON path ("schema.properties.x"): a keyword that is not in this list, a keyword's value of a wrong
 * type, a pattern that ECMA 262 and POSIX do not read alike, schemas nested deeper than 32.
 */
MUST_CHECK bool schema_compile_all(const json_t *schema, Schema **ret, Faults *faults);
/* The same. false: ERR_INVALID; the text has a line for each of the first faults, and how many more there are. */
MUST_CHECK bool schema_compile(const json_t *schema, Schema **ret, Error *err);
Schema *schema_free(Schema *s);
DEFINE_CLEANUP(Schema *, schema_free)

/*
 * Whether `value` fits; `name` stands for the root in texts ("parameters"). As in draft-04, 1.0 is a number but no integer, and equals 1;
 * lengths count code points. false: ERR_INVALID with the first fault: its JSON path, the value (60 bytes of it), the limit, and the nearest
 * valid value where there is one. Limits of its own: 128 levels of nesting, 4096 bytes in a string that has to match a pattern, 1000
 * members in an array of uniqueItems.
 */
MUST_CHECK bool schema_check(const Schema *s, const char *name, const json_t *value, Error *err);

/* A copy of a `value` that fits, in which absent members of its objects (at any depth) have the schema's defaults; the caller owns it. */
json_t *schema_with_defaults(const Schema *s, const json_t *value);

#endif
