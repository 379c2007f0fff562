/* SPDX-License-Identifier: BSD-2-Clause */
#include "spelling.h"

#include <string.h>

#define LONGEST 32 /* words past this are nobody's slip of the pen */
#define LONG 6     /* words of at least this may be two letters off */

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: row i, column j is the distance of the first i letters of a from the
 * first j of b. */
static size_t distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t j = 0; j <= b_length; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            rows[i][j] = least(rows[i - 1][j - 1] + (x != y), 1 + least(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a_length][b_length];
}

void cli_spelling_show(cli_spelling *spelling, const char *word)
{
    size_t written = strlen(spelling->written), length = strlen(word), longer = written > length ? written : length;
    if (written == 0 || longer > LONGEST)
        return;
    size_t distance = distance_of(spelling->written, written, word, length);
    size_t most = longer < LONG ? 1 : 2;
    if (distance < longer && distance <= most && (!spelling->best || distance < spelling->distance)) {
        spelling->best = word;
        spelling->distance = distance;
    }
}
