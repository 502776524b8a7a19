/* Whole small files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/str.h"

/* Reads a file of at most `max` bytes. false: ERR_NOT_FOUND (absent) or ERR_INVALID (unreadable, too large), naming the path. Appends to *out. */
MUST_CHECK bool file_read(const char *path, size_t max, Str *out, Error *err);
/* Names (not paths) in a folder that end with `suffix`, sorted; a NULL-terminated array, free with strings_free. */
MUST_CHECK bool file_list(const char *folder, const char *suffix, char ***ret, Error *err);
void strings_free(char **strings);

static inline UNUSED void strings_free_cleanup(char ***p)
{
    strings_free(*p);
}

#endif
