/* Whole small files and folder listings. */
#include "base/file.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fclose_cleanup(FILE **f)
{
    if (*f)
        fclose(*f);
}

bool file_read(const char *path, size_t max, Str *out, Error *err)
{
    CLEANUP(fclose) FILE *f = fopen(path, "re");
    if (!f)
        return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "cannot open %s: %s", path,
                         strerror(errno));
    char block[8192];
    size_t n, total = 0;
    while ((n = fread(block, 1, sizeof(block), f)) > 0) {
        if ((total += n) > max)
            return error_set(err, ERR_INVALID, "%s is larger than %zu bytes", path, max);
        str_append_n(out, block, n);
    }
    if (ferror(f))
        return error_set(err, ERR_INVALID, "cannot read %s: %s", path, strerror(errno));
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool file_list(const char *folder, const char *suffix, char ***ret, Error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_INVALID, "cannot open folder %s: %s", folder,
                         strerror(errno));
    size_t n = 0, cap = 8;
    char **names = xcalloc(cap, sizeof(*names));
    for (struct dirent *e; (e = readdir(dir));) {
        size_t len = strlen(e->d_name), tail = strlen(suffix);
        if (len <= tail || e->d_name[0] == '.' || strcmp(e->d_name + len - tail, suffix) != 0)
            continue;
        if (n + 2 > cap)
            names = xrealloc(names, (cap *= 2) * sizeof(*names));
        names[n++] = xstrdup(e->d_name);
    }
    closedir(dir);
    names[n] = NULL;
    qsort(names, n, sizeof(*names), compare);
    *ret = names;
    return true;
}

void strings_free(char **strings)
{
    for (char **s = strings; s && *s; s++)
        free(*s);
    free(strings);
}
