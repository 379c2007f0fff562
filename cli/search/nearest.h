/* SPDX-License-Identifier: BSD-2-Clause */
/* The nearest vectors by cosine. Many vectors are kept as bfloat16, the upper half of an f32: a search
 * is bound by reading them, and so reads half as much. The error is known, what may be among the best
 * is kept, and the caller looks at the f32 of those: the answer is that of an exact search. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shortlist.h"

/* A set of ids: bit id of bits, up to limit. */
typedef struct cli_idset {
    uint8_t *bits;
    int64_t limit; /* ids at and past it are not in the set */
} cli_idset;

void cli_idset_start(cli_idset *set, int64_t limit, bool full);
void cli_idset_put(cli_idset *set, int64_t id, bool in);
void cli_idset_free(cli_idset *set);

static inline bool cli_idset_has(const cli_idset *set, int64_t id)
{
    return id >= 0 && id < set->limit && (set->bits[id / 8] >> (id % 8) & 1);
}

/* Rows of an id (8 bytes) and `columns` bfloat16, row_size bytes apart. */
typedef struct cli_rows {
    const unsigned char *bytes;
    size_t n, columns, row_size;
} cli_rows;

size_t cli_row_size(size_t columns);
/* Writes one row, and answers the length of what rounding took away: by so much at most is a score off. */
double cli_row_write(unsigned char *row, int64_t id, const float *vector, size_t columns);

typedef struct cli_queries {
    const float *vectors; /* [n][columns], length 1 */
    size_t n, columns;
} cli_queries;

/* Offers every row in the set to each of lists[n]. */
void cli_nearest(const cli_rows *rows, const cli_queries *queries, const cli_idset *set, unsigned threads,
                 cli_shortlist *lists);

/* In double precision: the same on every machine, to the last bit of an f32. */
double cli_cosine(const float *a, const float *b, size_t columns); /* of vectors of length 1 */

#endif
