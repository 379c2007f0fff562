/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenBLAS. It is loaded when it has to multiply for the first time; most runs never do. Linked as usual, it would cost
 * every start 2 ms of relocations, and a thread that spins for a while before it sleeps. */
#ifndef VIT_OPENBLAS_H
#define VIT_OPENBLAS_H

#include <stdbool.h>
#include <stddef.h>

/* Loads it, once in the process, and sets its threads to 1: calls come from threads of ours. false: it is not there, or
 * there is no room for what it takes. */
bool vit__openblas_load(void);

/* c[n_a][n_b] = a[n_a][columns] * b[n_b][columns] transposed. Rows lie a_row, b_row and c_row floats apart. */
typedef struct vit__openblas_call {
    size_t n_a, n_b, columns; /* each, as the strides, at most INT_MAX */
    const float *a, *b;
    float *c;
    size_t a_row, b_row, c_row;
} vit__openblas_call;

/* Multiplies on the caller's thread. OpenBLAS has been loaded before. */
void vit__openblas_multiply(const vit__openblas_call *call);

/* The same in doubles, of matrices without gaps between rows; no size above INT_MAX.
 * c[n_a][n_b] = a[n_a][columns] * b[n_b][columns] transposed: rows of a times rows of b. */
void vit__openblas_rows(size_t n_a, size_t n_b, size_t columns, const double *a, const double *b, double *c);
/* c[n_a][n_b] = a[rows][n_a] transposed * b[rows][n_b]: columns of a times columns of b. */
void vit__openblas_columns(size_t n_a, size_t n_b, size_t rows, const double *a, const double *b, double *c);

#endif
