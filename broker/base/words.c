/* Distances between words. */
#include "base/words.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 60 };

/* Optimal string alignment; both at most LONGEST bytes. */
static size_t edits(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1], n = strlen(b);
    for (size_t k = 0; k <= n; k++)
        rows[0][k] = k;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[k - 1]);
            size_t best = up[k - 1] + (x != y);
            best = up[k] + 1 < best ? up[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            bool swapped = i > 1 && k > 1 && x == tolower((unsigned char)b[k - 2]) && y == tolower((unsigned char)a[i - 2]);
            row[k] = swapped && above[k - 2] + 1 < best ? above[k - 2] + 1 : best;
        }
    }
    return rows[strlen(a) % 3][n];
}

size_t words_distance(const char *wrong, const char *word)
{
    size_t length = strlen(wrong);
    if (length > LONGEST || strlen(word) > LONGEST)
        return SIZE_MAX;
    size_t distance = edits(wrong, word);
    return distance <= (length < 6 ? 1 : length / 3) ? distance : SIZE_MAX;
}

bool words_hold(const char *const *words, const char *word)
{
    for (; word && *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

char *words_meant(const char *wrong, const char *const *words)
{
    const char *alike = NULL;
    size_t least = SIZE_MAX;
    for (; *words; words++) {
        size_t distance = words_distance(wrong, *words);
        if (distance < least) {
            least = distance;
            alike = *words;
        }
    }
    return alike ? xasprintf(": did you mean \"%s\"?", alike) : xstrdup("");
}
