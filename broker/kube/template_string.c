/* One string of a template: the references in it, their syntax, their values. */
#include "base/mem.h"
#include "kube/template_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char path_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

typedef enum RefKind {
    REF_NONE,    /* no more references */
    REF_LITERAL, /* $${ */
    REF_TEXT,    /* ${path} */
    REF_WHOLE,   /* ${{path}} or ${{path?}} */
    REF_BAD,
} RefKind;

typedef struct Ref {
    RefKind kind;
    bool optional;
    const char *start, *end; /* the reference in the text */
    char path[256];
} Ref;

static void append_node(Str *out, const NodePath *at)
{
    if (!at)
        return;
    append_node(out, at->up);
    if (!at->key)
        str_appendf(out, "[%zu]", at->index);
    else if (strspn(at->key, path_characters) == strlen(at->key) && !strchr(at->key, '.'))
        str_appendf(out, "%s%s", out->len ? "." : "", at->key);
    else
        str_appendf(out, "[\"%s\"]", at->key);
}

bool template_fault(const char *file, const NodePath *at, Error *err, const char *format, ...)
{
    CLEANUP_STR Str node = STR_INIT;
    char fault[512];
    va_list args;
    va_start(args, format);
    vsnprintf(fault, sizeof(fault), format, args);
    va_end(args);
    append_node(&node, at);
    if (!node.len)
        return error_set(err, ERR_INVALID, "%s: %s", file, fault);
    return error_set(err, ERR_INVALID, "%s: %.400s: %s", file, str_text(&node), fault);
}

static bool path_valid(const char *path)
{
    size_t n = strlen(path);
    return n > 0 && path[0] != '.' && path[n - 1] != '.' && !strstr(path, "..");
}

/* The first reference at or after `text`. */
static Ref next_ref(const char *text)
{
    Ref ref = {0};
    const char *at = text;
    while ((at = strchr(at, '$')) && at[1] != '{' && strncmp(at, "$${", 3) != 0)
        at++;
    if (!at)
        return ref;
    ref.start = at;
    if (at[1] == '$') {
        ref.kind = REF_LITERAL;
        ref.end = at + 3;
        return ref;
    }
    bool whole = at[2] == '{';
    const char *path = at + (whole ? 3 : 2);
    size_t n = strspn(path, path_characters);
    ref.kind = whole ? REF_WHOLE : REF_TEXT;
    ref.optional = whole && path[n] == '?';
    ref.end = path + n + (ref.optional ? 1 : 0);
    snprintf(ref.path, sizeof(ref.path), "%.*s", (int)(n < sizeof(ref.path) ? n : 0), path);
    if (!path_valid(ref.path) || strncmp(ref.end, "}}", whole ? 2 : 1) != 0)
        ref.kind = REF_BAD;
    else
        ref.end += whole ? 2 : 1;
    return ref;
}

bool template_string_check(const char *file, const NodePath *at, const char *text, Error *err)
{
    Ref ref;
    for (const char *p = text; (ref = next_ref(p)).kind != REF_NONE; p = ref.end) {
        if (ref.kind == REF_BAD)
            return template_fault(file, at, err,
                                  "cannot read \"%.40s\": write ${path}, ${{path}} or ${{path?}}, and $${ for a plain ${",
                                  ref.start);
        if (ref.kind == REF_WHOLE && (ref.start != text || *ref.end))
            return template_fault(file, at, err, "${{%s}} must be the whole string; inside a text write ${%s}", ref.path,
                                  ref.path);
    }
    return true;
}

bool template_path_is_each(const char *path)
{
    return strcmp(path, "each") == 0 || strncmp(path, "each.", 5) == 0 || strcmp(path, "index") == 0;
}

bool template_uses_each(const char *text)
{
    Ref ref;
    for (const char *p = text; (ref = next_ref(p)).kind != REF_NONE && ref.kind != REF_BAD; p = ref.end)
        if (ref.kind != REF_LITERAL && template_path_is_each(ref.path))
            return true;
    return false;
}

/* The member `name` (n bytes) of a mapping, or the element of a list if it is a number. */
static const json_t *member(const json_t *node, const char *name, size_t n)
{
    char key[256];
    snprintf(key, sizeof(key), "%.*s", (int)n, name);
    if (!json_is_array(node))
        return json_object_get(node, key);
    return n < 10 && strspn(key, "0123456789") == n ? json_array_get(node, strtoul(key, NULL, 10)) : NULL;
}

const json_t *template_lookup(const json_t *values, const char *path)
{
    const json_t *at = values;
    for (const char *p = path; at; p++) {
        size_t n = strcspn(p, ".");
        at = member(at, p, n);
        p += n;
        if (!*p)
            break;
    }
    return json_is_null(at) ? NULL : at;
}

/* Appends the text of a scalar. */
static bool append_value(const TemplateScope *scope, const NodePath *at, const char *path, Str *out, Error *err)
{
    const json_t *value = template_lookup(scope->values, path);
    if (!value)
        return template_fault(scope->file, at, err, "no value for ${%s}", path);
    if (json_is_string(value))
        str_append_n(out, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        str_appendf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        str_append(out, json_is_true(value) ? "true" : "false");
    else
        return template_fault(scope->file, at, err, "${%s} must be a string, an integer or a boolean to stand inside a text",
                              path);
    return true;
}

static bool append_rendered(const TemplateScope *scope, const NodePath *at, const char *text, Str *out, Error *err)
{
    const char *p = text;
    for (Ref ref; (ref = next_ref(p)).kind != REF_NONE; p = ref.end) {
        str_append_n(out, p, (size_t)(ref.start - p));
        if (ref.kind == REF_LITERAL)
            str_append(out, "${");
        else if (ref.kind != REF_TEXT)
            return template_fault(scope->file, at, err, "\"%.40s\" cannot stand here; write ${path}", ref.start);
        else if (!append_value(scope, at, ref.path, out, err))
            return false;
    }
    str_append(out, p);
    return true;
}

bool template_string_render(const TemplateScope *scope, const NodePath *at, const char *text, json_t **ret, Error *err)
{
    Ref ref = next_ref(text);
    if (ref.kind == REF_WHOLE && ref.start == text && !*ref.end) {
        const json_t *value = template_lookup(scope->values, ref.path);
        if (!value && !ref.optional)
            return template_fault(scope->file, at, err, "no value for ${{%s}} (write ${{%s?}} if it may be absent)",
                                  ref.path, ref.path);
        *ret = value ? json_deep_copy(value) : NULL;
        return true;
    }
    CLEANUP_STR Str out = STR_INIT;
    if (!append_rendered(scope, at, text, &out, err))
        return false;
    *ret = json_stringn(str_text(&out), out.len);
    return true;
}

bool template_key_render(const TemplateScope *scope, const NodePath *at, const char *key, char **ret, Error *err)
{
    CLEANUP_STR Str out = STR_INIT;
    if (!append_rendered(scope, at, key, &out, err))
        return false;
    *ret = str_take(&out);
    return true;
}
