/* SPDX-License-Identifier: BSD-2-Clause */
/* The nearest vectors by cosine. Many vectors are kept as bfloat16, the upper half of an f32: a search
 * is bound by reading them, and so reads half as much. The error is known, what may be among the best
 * is kept, and the caller looks at the f32 of those: the answer is that of an exact search. */
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

/* Rows of an id (8 bytes) and `columns` bfloat16, row_size bytes apart. */
typedef struct vit__rows {
    const unsigned char *bytes; /* NULL: they are read from a file, block by block */
    size_t n, columns, row_size;
    int descriptor; /* of the file */
    uint64_t start; /* of the first row in it */
} vit__rows;

size_t vit__row_size(size_t columns);
/* Writes one row, and answers the length of what rounding took away: by so much at most is a score off. */
double vit__row_write(unsigned char *row, int64_t id, const float *vector, size_t columns);

typedef struct vit__queries {
    const float *vectors; /* [n][columns], length 1 */
    size_t n, columns;
} vit__queries;

/* Threads that a search among so many rows can use, of those that are there. */
unsigned vit__nearest_threads(size_t rows, unsigned there);
/* Offers every row in the set to each of lists[n]. VIT_ERR_OUT_OF_MEMORY; VIT_ERR_UNREADABLE: the file does not give
 * the rows, and the lists are worth nothing. */
vit_status vit__nearest(const vit__rows *rows, const vit__queries *queries, const vit__idset *set, vit__pool *pool,
                        vit__shortlist *lists);

/* In double precision: the same on every machine, to the last bit of an f32. */
double vit__cosine(const float *a, const float *b, size_t columns); /* of vectors of length 1 */

#endif
