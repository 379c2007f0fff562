/* SPDX-License-Identifier: BSD-2-Clause */
/* The distinct texts among many: the classes are the distinct labels of pictures. */
#ifndef CLI_DISTINCT_H
#define CLI_DISTINCT_H

#include <stddef.h>

/* In the order of their bytes. */
typedef struct cli_distinct {
    char **texts; /* [n] */
    size_t n;
} cli_distinct;

/* Copies each different text once: of "dog", "cat", NULL, "cat" the result has "cat" and "dog". NULL is no text. */
cli_distinct cli_distinct_of(const char *const *texts, size_t n);

/* The number of a text that is there. */
size_t cli_distinct_find(const cli_distinct *distinct, const char *text);

void cli_distinct_free(cli_distinct *distinct);

#endif
