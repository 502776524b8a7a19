/* Applying rules to members, and the kinds of values that they ask for. */
#include "domain/catalog_check_own.h"

#include "base/mem.h"
#include "base/words.h"
#include "domain/schema_format.h"

#include <string.h>

char *check_path(const char *up, const char *name)
{
    return xasprintf("%s%s%s", up, *up ? "." : "", name);
}

char *check_index(const char *up, size_t i)
{
    return xasprintf("%s[%zu]", up, i);
}

void check_rules(const json_t *object, const char *up, const Rule *rules, int minor, Faults *f)
{
    for (const Rule *r = rules; r->name; r++) {
        const json_t *v = json_object_get(object, r->name);
        CLEANUP_FREE char *path = check_path(up, r->name);
        if (!v && r->required_from && minor >= r->required_from)
            fault_add(f, "%s is missing; it must be %s", path, r->wanted);
        else if (v && !r->fits(v))
            fault_add(f, "%s must be %s", path, r->wanted);
    }
}

void check_keys(const json_t *object, const char *up, const char *const *known, Faults *f)
{
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)object, name, v)
    {
        if (words_hold(known, name))
            continue;
        CLEANUP_FREE char *path = check_path(up, name);
        fault_unknown(f, path, name, known);
    }
}

void check_each(const json_t *list, const char *up, bool (*fits)(const json_t *v), const char *wanted, Faults *f)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        CLEANUP_FREE char *path = check_index(up, i);
        if (!fits(v))
            fault_add(f, "%s must be %s", path, wanted);
    }
}

bool is_boolean(const json_t *v)
{
    return json_is_boolean(v);
}

bool is_object(const json_t *v)
{
    return json_is_object(v);
}

bool is_list(const json_t *v)
{
    return json_is_array(v);
}

bool is_integer(const json_t *v)
{
    return json_is_integer(v);
}

bool is_text(const json_t *v)
{
    const char *s = json_string_value(v);
    return s && s[strspn(s, " \t\r\n")];
}

bool is_text_or_null(const json_t *v)
{
    return json_is_null(v) || is_text(v);
}

bool is_guid(const json_t *v)
{
    return json_is_string(v) && format_named("uuid")->fits(json_string_value(v));
}

bool is_cli_name(const json_t *v)
{
    const char *s = json_string_value(v);
    return s && strlen(s) <= 63 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s) && strpbrk(s, "abcdefghijklmnopqrstuvwxyz");
}

/* Identifiers with a dot between; numbers have no leading zero where `strict`. *ret_count: how many. Gives what follows them, or NULL. */
static const char *identifiers(const char *s, const char *characters, bool strict, size_t *ret_count)
{
    for (*ret_count = 1;; s++, ++*ret_count) {
        size_t n = strspn(s, characters);
        if (n == 0 || (strict && n > 1 && *s == '0' && strspn(s, "0123456789") == n))
            return NULL;
        s += n;
        if (*s != '.')
            return s;
    }
}

bool is_version(const json_t *v)
{
    static const char digits[] = "0123456789";
    static const char word[] = "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *s = json_string_value(v);
    size_t count;
    if (!s || !(s = identifiers(s, digits, true, &count)) || count != 3)
        return false;
    if (*s == '-' && !(s = identifiers(s + 1, word, true, &count)))
        return false;
    if (*s == '+' && !(s = identifiers(s + 1, word, false, &count)))
        return false;
    return *s == '\0';
}
