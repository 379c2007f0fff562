/* SPDX-License-Identifier: BSD-2-Clause */
/* Products of matrices of doubles, on the caller's thread: by OpenBLAS, or by plain loops where it is not installed. */
#ifndef VIT_FIT_PRODUCTS_H
#define VIT_FIT_PRODUCTS_H

#include <stddef.h>

/* c[n_a][n_b]: the product of each row of a[n_a][columns] and each of b[n_b][columns]. */
void vit__fit_rows(size_t n_a, size_t n_b, size_t columns, const double *a, const double *b, double *c);

/* c[n_a][n_b]: the product of each column of a[rows][n_a] and each of b[rows][n_b]. */
void vit__fit_columns(size_t n_a, size_t n_b, size_t rows, const double *a, const double *b, double *c);

#endif
