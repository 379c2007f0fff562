/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of a fit: which they are, and whether they can be fitted. */
#ifndef VIT_ROWS_H
#define VIT_ROWS_H

#include "vit/fit.h"

/* Rows that are multiplied together. Sums over rows are sums over blocks, in order: so no bit depends on the
 * threads. */
#define VIT__ROWS_BLOCK ((size_t)1024)

/* Where row i of the rows stands in the table. */
static inline size_t vit__rows_at(const vit_fit_rows *rows, size_t i)
{
    return rows->at ? rows->at[i] : i;
}

static inline size_t vit__rows_blocks(const vit_fit_rows *rows)
{
    return rows->n / VIT__ROWS_BLOCK + (rows->n % VIT__ROWS_BLOCK != 0);
}

/* How many rows block `index` has; all but the last have VIT__ROWS_BLOCK. */
size_t vit__rows_in_block(const vit_fit_rows *rows, size_t index);

/* x[rows in block][width] = the block's vectors, less `mean` where that is not NULL. */
void vit__rows_gather(const vit_fit_rows *rows, size_t index, const double *mean, double *x);

/* Pointers, sizes that fit what multiplies, classes below n_classes, finite numbers. function: for the message. */
vit_status vit__rows_check(const vit_fit_rows *rows, const char *function, vit_error *err);

/* counts[n_classes] */
void vit__rows_count(const vit_fit_rows *rows, size_t *counts);

#endif
