/* Texts about faults: where, what, and what was probably meant. */
#include "base/mem.h"
#include "base/words.h"
#include "domain/schema_own.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_VALUE = 60, /* bytes of a value or a name */
    TEXT_PATH = 240, /* of a path */
    TEXT_LIST = 480, /* of a list of words; with path, value and sentence it stays below sizeof(Error.text) */
};

/* What json_typeof gives, for people. */
static const struct {
    const char *name, *article;
} types[] = {
    [JSON_OBJECT] = {"object", "an object"},   [JSON_ARRAY] = {"array", "an array"},    [JSON_STRING] = {"string", "a string"},
    [JSON_INTEGER] = {"integer", "an integer"}, [JSON_REAL] = {"number", "a number"},    [JSON_TRUE] = {"boolean", "a boolean"},
    [JSON_FALSE] = {"boolean", "a boolean"},    [JSON_NULL] = {"null", "null"},
};

/* Up to `max` bytes more, whole characters; "…" when something is left out. */
static void append_short(Str *out, const char *s, size_t max)
{
    size_t n = utf8_prefix(s, max);
    str_append_n(out, s, n);
    if (s[n])
        str_append(out, "…");
}

/* Collects a little more than what is shown; -1 stops the writer. */
static int collect(const char *bytes, size_t n, void *out)
{
    Str *s = out;
    size_t room = TEXT_VALUE + 4 - s->len;
    str_append_n(s, bytes, n < room ? n : room);
    return s->len < TEXT_VALUE + 4 ? 0 : -1;
}

static char *real_text(double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    return xasprintf("%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

char *schema_value_text(const json_t *v)
{
    CLEANUP_STR Str json = STR_INIT;
    Str out = STR_INIT;
    if (json_is_real(v))
        return real_text(json_real_value(v));
    (void)json_dump_callback(v, collect, &json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    append_short(&out, str_text(&json), TEXT_VALUE);
    if (json_is_string(v) && json.len > TEXT_VALUE)
        str_append_char(&out, '"');
    return str_take(&out);
}

char *schema_typed_text(const json_t *v)
{
    CLEANUP_FREE char *text = schema_value_text(v);
    return json_is_null(v) ? TAKE(text) : xasprintf("%s (%s)", text, types[json_typeof(v)].article);
}

static bool is_bare_word(const char *s)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
        if (strcmp(s, literals[i]) == 0)
            return false;
    if (!isalpha((unsigned char)*s) || strlen(s) > TEXT_VALUE)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.-", *s))
            return false;
    return true;
}

static const char *article_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].article;
    return type;
}

char *schema_type_text(const json_t *type)
{
    Str out = STR_INIT;
    size_t i, count = json_array_size(type);
    json_t *one;
    if (json_is_string(type))
        return xstrdup(article_of(json_string_value(type)));
    json_array_foreach(type, i, one)
        str_appendf(&out, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", article_of(json_string_value(one)));
    return str_take(&out);
}

/* .name, ["a.b"] or [0]. */
static char *step_text(const Place *at)
{
    const char *name = at->name;
    if (!name)
        return xasprintf("[%zu]", at->index);
    if (!strchr(name, '.') && !strchr(name, '-') && is_bare_word(name))
        return xasprintf(".%s", name);
    CLEANUP_JSON json_t *string = json_string_nocheck(name);
    CLEANUP_FREE char *text = schema_value_text(string);
    return xasprintf("[%s]", text);
}

/* From the root's name down; of a long path the beginning is left out. */
static char *path_text(const Place *at)
{
    CLEANUP_FREE char *path = xstrdup("");
    for (; at->up; at = at->up) {
        CLEANUP_FREE char *step = step_text(at);
        bool full = strlen(path) + strlen(step) > TEXT_PATH - TEXT_VALUE;
        char *longer = xasprintf("%s%s", full ? "…" : step, path);
        free(path);
        path = longer;
        if (full)
            break;
    }
    while (at->up)
        at = at->up;
    Str out = STR_INIT;
    append_short(&out, at->name, TEXT_VALUE);
    str_append(&out, path);
    return str_take(&out);
}

bool schema_fault(Error *err, const Place *at, const char *format, ...)
{
    char text[sizeof(err->text)];
    va_list args;
    if (!err)
        return false;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CLEANUP_FREE char *path = path_text(at);
    return error_set(err, ERR_INVALID, "%s %s", path, text);
}

/* `shown` goes to the text, `word` (NULL: no string) is compared. */
static void list_add(WordList *list, const char *shown, const char *word)
{
    if (!list->full) {
        list->full = list->text.len + strlen(shown) > TEXT_LIST;
        str_appendf(&list->text, "%s%s", list->text.len ? ", " : "", list->full ? "…" : shown);
    }
    size_t distance = list->wrong && word ? words_distance(list->wrong, word) : SIZE_MAX;
    if (distance < (list->alike ? list->distance : SIZE_MAX)) {
        list->alike = word;
        list->distance = distance;
    }
}

void schema_list_value(WordList *list, const json_t *v)
{
    const char *s = json_string_value(v);
    CLEANUP_FREE char *shown = s && is_bare_word(s) ? xstrdup(s) : schema_value_text(v);
    list_add(list, shown, s);
}

void schema_list_name(WordList *list, const char *name)
{
    CLEANUP_JSON json_t *string = json_string_nocheck(name);
    CLEANUP_FREE char *shown = is_bare_word(name) ? xstrdup(name) : schema_value_text(string);
    list_add(list, shown, name);
}

char *schema_did_you_mean(const WordList *list)
{
    return list->alike ? xasprintf(": did you mean \"%s\"?", list->alike) : xstrdup("");
}
