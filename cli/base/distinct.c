/* SPDX-License-Identifier: BSD-2-Clause */
#include "distinct.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

cli_distinct cli_distinct_of(const char *const *texts, size_t n)
{
    cli_distinct distinct = {0};
    size_t there = 0;
    const char **sorted = cli_allocate(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        if (texts[i])
            sorted[there++] = texts[i];
    qsort(sorted, there, sizeof *sorted, compare);
    distinct.texts = cli_allocate(there, sizeof *distinct.texts);
    for (size_t i = 0; i < there; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            distinct.texts[distinct.n++] = cli_duplicate(sorted[i]);
    free(sorted);
    return distinct;
}

size_t cli_distinct_find(const cli_distinct *distinct, const char *text)
{
    char *const *found = bsearch(&text, distinct->texts, distinct->n, sizeof *distinct->texts, compare);
    return (size_t)(found - distinct->texts);
}

void cli_distinct_free(cli_distinct *distinct)
{
    for (size_t i = 0; i < distinct->n; i++)
        free(distinct->texts[i]);
    free(distinct->texts);
    *distinct = (cli_distinct){0};
}
