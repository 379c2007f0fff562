/* SPDX-License-Identifier: BSD-2-Clause */
#include "products.h"

#include "openblas.h"

#define LANES 8 /* sums that run beside each other, so that a compiler may use vectors */

static double dot(const double *restrict a, const double *restrict b, size_t n)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sums[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum += a[i] * b[i];
    for (size_t k = 0; k < LANES; k++)
        sum += sums[k];
    return sum;
}

void vit__fit_rows(size_t n_a, size_t n_b, size_t columns, const double *a, const double *b, double *c)
{
    if (vit__openblas_load()) {
        vit__openblas_rows(n_a, n_b, columns, a, b, c);
        return;
    }
    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++)
            c[i * n_b + j] = dot(a + i * columns, b + j * columns, columns);
}

void vit__fit_columns(size_t n_a, size_t n_b, size_t rows, const double *a, const double *b, double *restrict c)
{
    if (vit__openblas_load()) {
        vit__openblas_columns(n_a, n_b, rows, a, b, c);
        return;
    }
    for (size_t i = 0; i < n_a * n_b; i++)
        c[i] = 0;
    for (size_t row = 0; row < rows; row++, a += n_a, b += n_b)
        for (size_t i = 0; i < n_a; i++)
            for (size_t j = 0; j < n_b; j++)
                c[i * n_b + j] += a[i] * b[j];
}
