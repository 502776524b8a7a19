/* Rules about members of objects, and what values are like; for domain/catalog_check*.c only. */
#ifndef DOMAIN_CATALOG_CHECK_OWN_H
#define DOMAIN_CATALOG_CHECK_OWN_H

#include "domain/catalog_check.h"

/* One member of an object; a table ends with a row without name. */
typedef struct Rule {
    const char *name;
    bool (*fits)(const json_t *v);
    const char *wanted; /* "PATH must be …" */
    int required_from;  /* minor API version from which on it must be there; 0: it may be absent */
} Rule;

enum { ALWAYS = 1 }; /* required in every version */

/* "up.name", or "name" when `up` is "". The caller frees. */
char *check_path(const char *up, const char *name);
/* "up[i]". The caller frees. */
char *check_index(const char *up, size_t i);

/* Adds a fault for each member that breaks its rule. */
void check_rules(const json_t *object, const char *up, const Rule *rules, int minor, Faults *f);
/* Adds a fault for each member of an object that is none of `known` (ended by NULL). What is no object has none. */
void check_keys(const json_t *object, const char *up, const char *const *known, Faults *f);
/* Adds a fault for each member of a list that does not fit: "PATH[i] must be `wanted`". */
void check_each(const json_t *list, const char *up, bool (*fits)(const json_t *v), const char *wanted, Faults *f);

/* Values. */
bool is_boolean(const json_t *v);
bool is_object(const json_t *v);
bool is_list(const json_t *v);
bool is_integer(const json_t *v);
/* Not blank. */
bool is_text(const json_t *v);
bool is_text_or_null(const json_t *v);
bool is_guid(const json_t *v);
/* ^[a-z0-9-]+$ with a letter, at most 63: passes every version of the specification and every known client. */
bool is_cli_name(const json_t *v);
/* Semantic version 2.0 (semver.org). */
bool is_version(const json_t *v);

#define WANTED_BOOLEAN "true or false"
#define WANTED_OBJECT "a mapping"
#define WANTED_TEXT "a text that is not blank"
#define WANTED_NAME "lower-case letters, digits and '-', at most 63, with a letter"
#define WANTED_GUID "a GUID"

/* `spec` of a plan (object). */
void check_spec(const json_t *spec, const json_t *overlay, Faults *f);

#endif
