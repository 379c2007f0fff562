/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rows of a matrix differ: copies of a picture have the same vector, and need not be compared with each other. */
#ifndef VIT_DISTINCT_ROWS_H
#define VIT_DISTINCT_ROWS_H

#include <stddef.h>

#include "error.h"

/* Of the rows (1,2), (3,4), (1,2) and (1,2) there are 2 that differ: first is {0, 1}, and kind {0, 1, 0, 0}. */
typedef struct vit__distinct_rows {
    size_t n;
    size_t *first; /* [n], the row where each kind is first, in rising order */
    size_t *kind;  /* of each row: which of the n */
} vit__distinct_rows;

/* Compares rows[chosen[0]], rows[chosen[1]], ... of `columns` numbers by their bytes (chosen NULL: the rows
 * themselves). first[] and kind[] count among the n chosen ones. Errors: out_of_memory; then *distinct is all zero. */
vit_status vit__distinct_rows_find(const float *rows, const size_t *chosen, size_t n, size_t columns,
                                   vit__distinct_rows *distinct, vit_error *err);
void vit__distinct_rows_free(vit__distinct_rows *distinct);

#endif
