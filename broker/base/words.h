/* Lists of words, ended by NULL: whether one is in them, and what was probably meant by one that is not. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the list holds `word` to the letter; never when it is NULL. */
bool words_hold(const char *const *words, const char *word);

/*
 * Edits from `wrong` to `word`: a letter put in, left out, changed or swapped with the next; case does not count. SIZE_MAX when they are not
 * alike (more than a third of `wrong` differs, or one has more than 60 bytes).
 */
size_t words_distance(const char *wrong, const char *word);

/* ': did you mean "WORD"?' with the word of the list (ended by NULL) that is most alike, or "" when none is. The caller frees. */
char *words_meant(const char *wrong, const char *const *words);

#endif
