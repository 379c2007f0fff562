/* SPDX-License-Identifier: BSD-2-Clause */
/* The nearest vectors by cosine. Vectors are kept as bfloat16, the upper half of an f32: reading the vectors takes most
 * of the time of a search, and so it reads half as much. The error of the scores is known. All vectors that may be
 * among the best, given this error, are kept, and the caller computes their scores from the f32: the answer is that of
 * an exact search. */
#ifndef VIT_NEAREST_H
#define VIT_NEAREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pool.h"
#include "shortlist.h"

/* A set of ids: bit id of bits, up to limit. */
typedef struct vit__idset {
    uint8_t *bits;
    int64_t limit; /* ids at and past it are not in the set */
} vit__idset;

/* false: out of memory. */
bool vit__idset_start(vit__idset *set, int64_t limit, bool full);
void vit__idset_put(vit__idset *set, int64_t id, bool in);
void vit__idset_free(vit__idset *set);

static inline bool vit__idset_has(const vit__idset *set, int64_t id)
{
    return id >= 0 && id < set->limit && (set->bits[id / 8] >> (id % 8) & 1);
}

/* Rows, row_size bytes apart. A row is an id of 8 bytes and `columns` numbers of bfloat16. */
typedef struct vit__rows {
    const unsigned char *bytes; /* NULL: they are read from a file, block by block */
    size_t n, columns, row_size;
    int descriptor; /* of the file */
    uint64_t start; /* of the first row in it */
} vit__rows;

size_t vit__row_size(size_t columns);
/* Writes one row. Answers the length of the difference between the vector and the rounded one: a score is wrong by at
 * most so much. */
double vit__row_write(unsigned char *row, int64_t id, const float *vector, size_t columns);

typedef struct vit__queries {
    const float *vectors; /* [n][columns], length 1 */
    size_t n, columns;
} vit__queries;

/* How many threads a search among so many rows should use, of the `there` threads that it may. */
unsigned vit__nearest_threads(size_t rows, unsigned there);
/* Offers every row in the set to each of lists[n]. VIT_ERR_OUT_OF_MEMORY; VIT_ERR_UNREADABLE: the file does not give
 * the rows, and the lists are worth nothing. */
vit_status vit__nearest(const vit__rows *rows, const vit__queries *queries, const vit__idset *set, vit__pool *pool,
                        vit__shortlist *lists);

/* The cosine, computed in double precision: its f32 has the same bits on every machine. */
double vit__cosine(const float *a, const float *b, size_t columns); /* of vectors of length 1 */

#endif
