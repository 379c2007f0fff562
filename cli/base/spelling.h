/* SPDX-License-Identifier: BSD-2-Clause */
/* What a misspelt word was probably meant to be: the nearest of the words that would have been
 * right. */
#ifndef CLI_SPELLING_H
#define CLI_SPELLING_H

#include <stddef.h>

/* Starts with the misspelt word in `written`, and the rest zero. Then it is shown the right words,
 * one by one. */
typedef struct cli_spelling {
    const char *written;
    const char *best; /* NULL: none of the words shown so far is near */
    size_t distance;  /* of best */
} cli_spelling;

/* Shows it a right word, which must live as long as best is read. Of several words that are equally
 * near, best is the one that was shown first.
 *
 * A word is near if one letter of it is wrong, missing, too many, or exchanged with its neighbour;
 * in words of six letters or more two such slips are allowed. Case does not count. "clasify" is
 * near "classify" and "f23" is near "f32"; "f64" is near neither "f16" nor "f32". */
void cli_spelling_show(cli_spelling *spelling, const char *word);

#endif
