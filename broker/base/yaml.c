/* YAML to JSON on libyaml's event parser: one recursive walk, core-schema scalars, every refusal with its line. */
#include "base/yaml.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/words.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 64 };

typedef struct Reader {
    yaml_parser_t parser;
    const char *name;
    Error *err;
} Reader;

static void yaml_event_delete_cleanup(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static void reader_cleanup(Reader *r)
{
    yaml_parser_delete(&r->parser);
}

static bool refuse(const Reader *r, size_t line, const char *what)
{
    return error_set(r->err, ERR_INVALID, "%s line %zu: %s", r->name, line + 1, what);
}

static bool next(Reader *r, yaml_event_t *ret)
{
    if (yaml_parser_parse(&r->parser, ret))
        return true;
    const char *what = r->parser.problem ? r->parser.problem : "not YAML";
    if (r->parser.error == YAML_READER_ERROR)
        return error_set(r->err, ERR_INVALID, "%s at byte %zu: %s", r->name, r->parser.problem_offset, what);
    return refuse(r, r->parser.problem_mark.line, what);
}

/* YAML 1.2 core schema: [-+]? [0-9]+, 0o[0-7]+, 0x[0-9a-fA-F]+. Returns the base and where the digits begin, or 0. */
static int integer_base(const char *text, const char **ret_digits)
{
    const char *digits = text + (*text == '-' || *text == '+');
    int base = 10;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        digits = text + 2;
        base = text[1] == 'o' ? 8 : 16;
    }
    const char *allowed = base == 10 ? "0123456789" : base == 8 ? "01234567" : "0123456789abcdefABCDEF";
    *ret_digits = base == 10 ? text : digits;
    return *digits && digits[strspn(digits, allowed)] == '\0' ? base : 0;
}

/* YAML 1.2 core schema: [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
    static const char digits[] = "0123456789";
    const char *c = text + (*text == '-' || *text == '+');
    size_t before = strspn(c, digits);
    c += before;
    if (*c == '.') {
        size_t after = strspn(++c, digits);
        if (before + after == 0)
            return false;
        c += after;
    } else if (before == 0) {
        return false;
    }
    if (*c == 'e' || *c == 'E') {
        c++;
        c += *c == '-' || *c == '+';
        size_t exponent = strspn(c, digits);
        if (exponent == 0)
            return false;
        c += exponent;
    }
    return *c == '\0';
}

static json_t *plain_word(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    return words_hold(nulls, text) ? json_null() : words_hold(trues, text) ? json_true() : words_hold(falses, text) ? json_false() : NULL;
}

/* Infinity and not-a-number, which JSON cannot say. */
static bool is_beyond_json(const char *text)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    return words_hold(words, text + (*text == '-' || *text == '+'));
}

static bool plain_scalar(const Reader *r, const yaml_event_t *event, json_t **ret)
{
    const char *text = (const char *)event->data.scalar.value, *digits;
    size_t line = event->start_mark.line;
    json_t *value = plain_word(text);
    int base;
    errno = 0;
    if (value) {
        *ret = value;
        return true;
    }
    if ((base = integer_base(text, &digits)) != 0) {
        long long number = strtoll(digits, NULL, base);
        if (errno == ERANGE)
            return refuse(r, line, "the integer does not fit in 64 bits; put it in quotes to keep it as text");
        *ret = json_integer(number);
        return true;
    }
    if (is_beyond_json(text))
        return refuse(r, line, "infinity and NaN cannot be used");
    if (is_real(text)) {
        value = json_real(strtod(text, NULL));
        if (!value)
            return refuse(r, line, "the number is out of range; put it in quotes to keep it as text");
        *ret = value;
        return true;
    }
    *ret = json_stringn(text, event->data.scalar.length);
    return *ret ? true : refuse(r, line, "the text is not UTF-8");
}

/* Anchors, aliases and tags change what a value means away from where it stands; only "!!str" and "!" are let through. */
static bool check_decoration(const Reader *r, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    const char *t = (const char *)tag;
    if (anchor)
        return refuse(r, event->start_mark.line, "anchors are not accepted; write the value out");
    if (!t || strcmp(t, "!") == 0)
        return true;
    if (event->type == YAML_SCALAR_EVENT && strcmp(t, YAML_STR_TAG) == 0)
        return true;
    return refuse(r, event->start_mark.line, "tags are not accepted (except !!str)");
}

static bool scalar(const Reader *r, const yaml_event_t *event, json_t **ret)
{
    if (!check_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag))
        return false;
    const char *text = (const char *)event->data.scalar.value;
    size_t n = event->data.scalar.length;
    if (memchr(text, '\0', n))
        return refuse(r, event->start_mark.line, "the text contains a NUL character");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag)
        return plain_scalar(r, event, ret);
    json_t *value = json_stringn(text, n);
    if (!value)
        return refuse(r, event->start_mark.line, "the text is not UTF-8");
    *ret = value;
    return true;
}

static bool node(Reader *r, const yaml_event_t *event, int depth, json_t **ret);

static bool sequence(Reader *r, int depth, json_t **ret)
{
    CLEANUP_JSON json_t *list = json_array();
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event = {0};
        json_t *item = NULL;
        if (!next(r, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            break;
        if (!node(r, &event, depth, &item))
            return false;
        json_array_append_new(list, item);
    }
    *ret = TAKE(list);
    return true;
}

static bool check_key(const Reader *r, const yaml_event_t *event, const json_t *object)
{
    size_t line = event->start_mark.line;
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(r, line, "aliases are not accepted; write the value out");
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(r, line, "a key must be a scalar");
    const char *key = (const char *)event->data.scalar.value;
    if (!check_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag))
        return false;
    if (strlen(key) != event->data.scalar.length)
        return refuse(r, line, "the key contains a NUL character");
    if (strcmp(key, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return refuse(r, line, "merge keys are not accepted; write the values out");
    if (json_object_get(object, key))
        return error_set(r->err, ERR_INVALID, "%s line %zu: the key \"%.100s\" is there twice", r->name, line + 1, key);
    return true;
}

static bool mapping(Reader *r, int depth, json_t **ret)
{
    CLEANUP_JSON json_t *object = json_object();
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t key = {0};
        CLEANUP(yaml_event_delete) yaml_event_t event = {0};
        json_t *value = NULL;
        if (!next(r, &key))
            return false;
        if (key.type == YAML_MAPPING_END_EVENT)
            break;
        if (!check_key(r, &key, object) || !next(r, &event) || !node(r, &event, depth, &value))
            return false;
        if (json_object_set_new(object, (const char *)key.data.scalar.value, value) != 0)
            return refuse(r, key.start_mark.line, "the key is not UTF-8");
    }
    *ret = TAKE(object);
    return true;
}

static bool node(Reader *r, const yaml_event_t *event, int depth, json_t **ret)
{
    if (event->type == YAML_SCALAR_EVENT)
        return scalar(r, event, ret);
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(r, event->start_mark.line, "aliases are not accepted; write the value out");
    if (depth >= MAX_DEPTH)
        return refuse(r, event->start_mark.line, "nested more than 64 levels deep");
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return check_decoration(r, event, event->data.sequence_start.anchor, event->data.sequence_start.tag) &&
               sequence(r, depth + 1, ret);
    if (event->type == YAML_MAPPING_START_EVENT)
        return check_decoration(r, event, event->data.mapping_start.anchor, event->data.mapping_start.tag) &&
               mapping(r, depth + 1, ret);
    return refuse(r, event->start_mark.line, "a value is missing");
}

/* Reads events that carry no value up to the next one that does; the stream's end counts as one. */
static bool next_content(Reader *r, yaml_event_t *ret)
{
    for (;;) {
        if (!next(r, ret))
            return false;
        if (ret->type != YAML_STREAM_START_EVENT && ret->type != YAML_DOCUMENT_END_EVENT)
            return true;
        yaml_event_delete(ret);
    }
}

static bool document(Reader *r, json_t **ret)
{
    CLEANUP(yaml_event_delete) yaml_event_t start = {0};
    CLEANUP(yaml_event_delete) yaml_event_t root = {0};
    CLEANUP(yaml_event_delete) yaml_event_t end = {0};
    CLEANUP_JSON json_t *value = NULL;
    if (!next_content(r, &start))
        return false;
    if (start.type == YAML_STREAM_END_EVENT) {
        *ret = json_null();
        return true;
    }
    if (!next(r, &root) || !node(r, &root, 0, &value) || !next_content(r, &end))
        return false;
    if (end.type != YAML_STREAM_END_EVENT)
        return refuse(r, end.start_mark.line, "a second document begins; only one is accepted");
    *ret = TAKE(value);
    return true;
}

bool yaml_parse(const char *text, size_t n, const char *name, json_t **ret, Error *err)
{
    if (n > MAX_BYTES)
        return error_set(err, ERR_INVALID, "%s is larger than %d bytes", name, MAX_BYTES);
    CLEANUP(reader) Reader r = {.name = name, .err = err};
    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
    return document(&r, ret);
}

bool yaml_load(const char *path, json_t **ret, Error *err)
{
    CLEANUP_STR Str text = STR_INIT;
    return file_read(path, MAX_BYTES, &text, err) && yaml_parse(str_text(&text), text.len, path, ret, err);
}
