/* Compiling schemas: each keyword by a row of a table; every fault is reported. */
#include "base/faults.h"
#include "base/mem.h"
#include "domain/schema_own.h"

#include <string.h>

typedef struct Compile {
    Schema *schema;
    int depth; /* schemas around the one that is read */
    Faults *faults;
} Compile;

typedef struct Keyword Keyword;
struct Keyword {
    const char *name;
    void (*read)(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at);
    size_t offset; /* of the member of Node that it sets */
};

static const struct {
    const char *name;
    unsigned types;
} type_names[] = {
    {"array", 1U << JSON_ARRAY},     {"boolean", 1U << JSON_TRUE | 1U << JSON_FALSE},
    {"integer", 1U << JSON_INTEGER}, {"null", 1U << JSON_NULL},
    {"object", 1U << JSON_OBJECT},   {"number", 1U << JSON_INTEGER | 1U << JSON_REAL},
    {"string", 1U << JSON_STRING},
};

static Node *compile_node(Compile *c, const json_t *source, const Place *at);

static void add_fault(Compile *c, const Place *at, const char *what)
{
    Error err;
    schema_fault(&err, at, "%s", what);
    fault_add(c->faults, "%s", err.text);
}

/* "is VALUE (a TYPE); it must be WANTED". */
static void wrong_value(Compile *c, const Place *at, const json_t *v, const char *wanted)
{
    CLEANUP_FREE char *value = schema_typed_text(v);
    CLEANUP_FREE char *text = xasprintf("is %s; it must be %s", value, wanted);
    add_fault(c, at, text);
}

/* Whether `v` is a list of at least one member, all different, of strings if `strings`. */
static bool is_set(const json_t *v, bool strings)
{
    size_t count = json_array_size(v);
    for (size_t i = 0; i < count; i++) {
        if (strings && !json_is_string(json_array_get(v, i)))
            return false;
        for (size_t k = 0; k < i; k++)
            if (schema_equal(json_array_get(v, i), json_array_get(v, k)))
                return false;
    }
    return count > 0;
}

static void read_text(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    (void)k, (void)n;
    if (!json_is_string(v))
        wrong_value(c, at, v, "a string");
}

static void read_dialect(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    (void)k, (void)n;
    const char *s = json_is_string(v) ? json_string_value(v) : "";
    if (strcmp(s, "http://json-schema.org/draft-04/schema#") != 0 && strcmp(s, "http://json-schema.org/draft-04/schema") != 0)
        wrong_value(c, at, v, "\"http://json-schema.org/draft-04/schema#\"");
}

/* Any value. */
static void read_value(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    (void)c, (void)at;
    *(const json_t **)((char *)n + k->offset) = v;
}

static void read_number(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (json_is_number(v))
        read_value(c, k, n, v, at);
    else
        wrong_value(c, at, v, "a number");
}

static void read_divisor(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (json_number_value(v) > 0)
        read_value(c, k, n, v, at);
    else
        wrong_value(c, at, v, "a number above 0");
}

static void read_flag(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (json_is_boolean(v))
        *(bool *)((char *)n + k->offset) = json_is_true(v);
    else
        wrong_value(c, at, v, "true or false");
}

static void read_count(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (json_is_integer(v) && json_integer_value(v) >= 0)
        *(json_int_t *)((char *)n + k->offset) = json_integer_value(v);
    else
        wrong_value(c, at, v, "an integer from 0 on");
}

static unsigned types_of(const json_t *name)
{
    for (size_t i = 0; json_is_string(name) && i < ARRAY_SIZE(type_names); i++)
        if (strcmp(type_names[i].name, json_string_value(name)) == 0)
            return type_names[i].types;
    return 0;
}

static void read_type(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    size_t i, count = json_is_array(v) ? json_array_size(v) : 1;
    bool good = json_is_string(v) || is_set(v, true);
    (void)k;
    for (i = 0; good && i < count; i++) {
        unsigned types = types_of(json_is_array(v) ? json_array_get(v, i) : v);
        n->types |= types;
        good = types != 0;
    }
    n->type = v;
    if (!good)
        wrong_value(c, at, v, "one of array, boolean, integer, null, number, object and string, or a list of some");
}

static void read_names(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (is_set(v, true))
        read_value(c, k, n, v, at);
    else
        wrong_value(c, at, v, "a list of different strings, at least one");
}

static void read_enumeration(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    if (is_set(v, false))
        read_value(c, k, n, v, at);
    else
        wrong_value(c, at, v, "a list of different values, at least one");
}

static void read_pattern(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    Error err;
    (void)k;
    n->pattern_text = json_string_value(v);
    if (!n->pattern_text)
        wrong_value(c, at, v, "a string");
    else if (!pattern_compile(n->pattern_text, &n->pattern, &err))
        add_fault(c, at, err.text);
}

static void read_format(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    WordList list = {.wrong = json_string_value(v)};
    (void)k;
    n->format = json_is_string(v) ? format_named(json_string_value(v)) : NULL;
    for (size_t i = 0; !n->format && format_at(i); i++)
        schema_list_name(&list, format_at(i)->name);
    if (!n->format) {
        CLEANUP_FREE char *meant = schema_did_you_mean(&list);
        CLEANUP_FREE char *wanted = xasprintf("one of %s%s", str_text(&list.text), meant);
        wrong_value(c, at, v, wanted);
    }
    str_free(&list.text);
}

/* An object of schemas. */
static void read_schemas(Compile *c, PropertyList *list, const json_t *v, const Place *at)
{
    const char *key;
    json_t *member;
    if (!json_is_object(v)) {
        wrong_value(c, at, v, "an object of schemas");
        return;
    }
    list->at = xcalloc(json_object_size(v), sizeof(*list->at));
    json_object_foreach((json_t *)v, key, member)
        list->at[list->count++] = (Property){key, compile_node(c, member, &(Place){at, key, 0})};
}

static void read_properties(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    (void)k;
    read_schemas(c, &n->properties, v, at);
}

static void read_definitions(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    (void)k, (void)n;
    if (c->depth > 1)
        add_fault(c, at, "is not at the root, where it belongs");
    else
        read_schemas(c, &c->schema->definitions, v, at);
}

static void read_schema(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    *(Node **)((char *)n + k->offset) = compile_node(c, v, at);
}

static void read_additional(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    n->closed = json_is_false(v);
    if (json_is_object(v))
        read_schema(c, k, n, v, at);
    else if (!json_is_boolean(v))
        wrong_value(c, at, v, "true, false or a schema");
}

static void read_reference(Compile *c, const Keyword *k, Node *n, const json_t *v, const Place *at)
{
    static const char prefix[] = "#/definitions/";
    const char *s = json_string_value(v);
    const json_t *definitions = json_object_get(c->schema->source, "definitions");
    (void)k;
    if (!s || strncmp(s, prefix, sizeof(prefix) - 1) != 0 || strpbrk(s + sizeof(prefix) - 1, "/~%"))
        wrong_value(c, at, v, "\"#/definitions/NAME\"");
    else if (!json_object_get(definitions, s + sizeof(prefix) - 1))
        wrong_value(c, at, v, "the name of one of the definitions");
    else
        n->ref = s + sizeof(prefix) - 1;
}

#define AT(member) offsetof(Node, member)
static const Keyword keywords[] = {
    {"$ref", read_reference, 0},
    {"$schema", read_dialect, 0},
    {"additionalProperties", read_additional, AT(additional)},
    {"const", read_value, AT(constant)},
    {"default", read_value, AT(fallback)},
    {"definitions", read_definitions, 0},
    {"description", read_text, 0},
    {"enum", read_enumeration, AT(enumeration)},
    {"exclusiveMaximum", read_flag, AT(exclusive_maximum)},
    {"exclusiveMinimum", read_flag, AT(exclusive_minimum)},
    {"format", read_format, 0},
    {"items", read_schema, AT(items)},
    {"maxItems", read_count, AT(max_items)},
    {"maxLength", read_count, AT(max_length)},
    {"maxProperties", read_count, AT(max_properties)},
    {"maximum", read_number, AT(maximum)},
    {"minItems", read_count, AT(min_items)},
    {"minLength", read_count, AT(min_length)},
    {"minProperties", read_count, AT(min_properties)},
    {"minimum", read_number, AT(minimum)},
    {"multipleOf", read_divisor, AT(multiple_of)},
    {"pattern", read_pattern, 0},
    {"properties", read_properties, 0},
    {"required", read_names, AT(required)},
    {"title", read_text, 0},
    {"type", read_type, 0},
    {"uniqueItems", read_flag, AT(unique_items)},
};

static void read_keyword(Compile *c, Node *n, const char *name, const json_t *v, const Place *at)
{
    WordList list = {.wrong = name};
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
        if (strcmp(keywords[i].name, name) == 0) {
            keywords[i].read(c, &keywords[i], n, v, at);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        schema_list_name(&list, keywords[i].name);
    CLEANUP_FREE char *meant = schema_did_you_mean(&list);
    CLEANUP_FREE char *text = xasprintf("is no keyword that is known here%s", meant);
    add_fault(c, at, text);
    str_free(&list.text);
}

/* Never NULL, so that reading goes on after a fault. */
static Node *compile_node(Compile *c, const json_t *source, const Place *at)
{
    const char *key;
    json_t *v;
    Node *n = xcalloc(1, sizeof(*n));
    *n = (Node){.next = c->schema->all, .min_length = -1, .max_length = -1, .min_items = -1, .max_items = -1, .min_properties = -1, .max_properties = -1};
    c->schema->all = n;
    if (!json_is_object(source)) {
        wrong_value(c, at, source, "a schema (an object)");
        return n;
    }
    if (c->depth == SCHEMA_DEPTH) {
        add_fault(c, at, "is nested deeper than 32 schemas");
        return n;
    }
    c->depth++;
    json_object_foreach((json_t *)source, key, v) read_keyword(c, n, key, v, &(Place){at, key, 0});
    if (n->exclusive_minimum && !json_object_get(source, "minimum"))
        add_fault(c, &(Place){at, "exclusiveMinimum", 0}, "needs minimum beside it");
    if (n->exclusive_maximum && !json_object_get(source, "maximum"))
        add_fault(c, &(Place){at, "exclusiveMaximum", 0}, "needs maximum beside it");
    c->depth--;
    return n;
}

/* Follows a $ref to its end; NULL when it leads back to itself. */
static Node *follow(const PropertyList *definitions, const char *ref)
{
    for (size_t steps = 0; steps < definitions->count; steps++) {
        Node *n = schema_property(definitions, ref)->node;
        if (!n->ref)
            return n;
        ref = n->ref;
    }
    return NULL;
}

static void follow_references(Compile *c, const Place *root)
{
    const PropertyList *definitions = &c->schema->definitions;
    const Place at = {root, "definitions", 0};
    for (size_t i = 0; i < definitions->count; i++)
        if (definitions->at[i].node->ref && !follow(definitions, definitions->at[i].name))
            add_fault(c, &(Place){&at, definitions->at[i].name, 0}, "has a $ref that never ends");
    for (Node *n = c->schema->all; n; n = n->next)
        n->target = n->ref ? follow(definitions, n->ref) : NULL;
}

bool schema_compile_all(const json_t *schema, Schema **ret, Faults *faults)
{
    const Place root = {.name = "schema"};
    size_t before = faults->count;
    Error err;
    if (schema_too_deep(schema, SCHEMA_JSON_DEPTH)) {
        schema_fault(&err, &root, "is nested deeper than %d levels", SCHEMA_JSON_DEPTH);
        return fault_add(faults, "%s", err.text);
    }
    CLEANUP(schema_free) Schema *s = xcalloc(1, sizeof(*s));
    s->source = json_deep_copy(schema);
    Compile c = {.schema = s, .faults = faults};
    s->root = compile_node(&c, s->source, &root);
    follow_references(&c, &root);
    if (faults->count > before)
        return false;
    *ret = TAKE(s);
    return true;
}

/* As many lines as fit. */
static bool first_faults(const Faults *faults, Error *err)
{
    CLEANUP_STR Str text = STR_INIT;
    size_t told = 0;
    for (; told < faults->count && text.len + strlen(faults->at[told].text) + 40 <= sizeof(err->text); told++)
        str_appendf(&text, "%s%s", told ? "\n" : "", faults->at[told].text);
    if (told < faults->count)
        str_appendf(&text, "\nand %zu more", faults->count - told);
    return error_set(err, ERR_INVALID, "%s", str_text(&text));
}

bool schema_compile(const json_t *schema, Schema **ret, Error *err)
{
    CLEANUP(faults_clear) Faults faults = {0};
    return schema_compile_all(schema, ret, &faults) || first_faults(&faults, err);
}
