/* Lists of faults. */
#include "base/faults.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/words.h"

#include <string.h>

void faults_in(Faults *f, const char *file)
{
    char *copy = xstrdup(file); /* `file` may be the one that is freed */
    free(f->file);
    f->file = copy;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Takes the text over. */
static bool add(Faults *f, char *text)
{
    utf8_repair(text);
    for (size_t i = 0; i < f->count; i++)
        if (same(f->at[i].file, f->file) && strcmp(f->at[i].text, text) == 0) {
            free(text);
            return false;
        }
    f->at = xrealloc(f->at, (f->count + 1) * sizeof(*f->at));
    f->at[f->count++] = (Fault){xstrdup(f->file), text};
    return false;
}

bool fault_add(Faults *f, const char *format, ...)
{
    va_list args;
    Str text = STR_INIT;
    va_start(args, format);
    str_appendv(&text, format, args);
    va_end(args);
    return add(f, str_take(&text));
}

bool fault_add_error(Faults *f, const Error *err)
{
    size_t n = f->file ? strlen(f->file) : 0;
    bool begins = n && strncmp(err->text, f->file, n) == 0 && (err->text[n] == ':' || err->text[n] == ' ');
    return add(f, xstrdup(err->text + (begins ? n + strspn(err->text + n, ": ") : 0)));
}

bool fault_unknown(Faults *f, const char *path, const char *name, const char *const *known)
{
    CLEANUP_FREE char *meant = words_meant(name, known);
    CLEANUP_STR Str all = STR_INIT;
    if (*meant)
        return fault_add(f, "%s is not known%s", path, meant);
    for (; *known; known++)
        str_appendf(&all, "%s%s", all.len ? ", " : "", *known);
    return fault_add(f, "%s is not known; known are %s", path, str_text(&all));
}

bool faults_has(const Faults *f, const char *beginning)
{
    for (size_t i = 0; i < f->count; i++)
        if (strncmp(f->at[i].text, beginning, strlen(beginning)) == 0)
            return true;
    return false;
}

void faults_clear(Faults *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->at[i].file);
        free(f->at[i].text);
    }
    free(f->at);
    free(f->file);
    *f = (Faults){0};
}
