/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_products: vectors against vectors, as searches compare them. */
#include <limits.h>

#include "memory.h"
#include "openblas.h"
#include "vit/vit.h"

static float dot(const float *a, const float *b, size_t n)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Whether floats [rows][columns] can lie in memory. */
static bool fits(size_t rows, size_t columns)
{
    size_t elements, bytes;
    return vit__multiply(rows, columns, &elements) && vit__multiply(elements, sizeof(float), &bytes);
}

void vit_products(const float *a, size_t n_a, const float *b, size_t n_b, size_t columns, float *c)
{
    if (!a || !b || !c || !fits(n_a, columns) || !fits(n_b, columns) || !fits(n_a, n_b))
        return;
    bool some = n_a > 0 && n_b > 0 && columns > 0;
    if (some && n_a <= INT_MAX && n_b <= INT_MAX && columns <= INT_MAX && vit__openblas_load()) {
        vit__openblas_multiply(&(vit__openblas_call){.n_a = n_a,
                                                     .n_b = n_b,
                                                     .columns = columns,
                                                     .a = a,
                                                     .b = b,
                                                     .c = c,
                                                     .a_row = columns,
                                                     .b_row = columns,
                                                     .c_row = n_b});
        return;
    }
    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++)
            c[i * n_b + j] = dot(a + i * columns, b + j * columns, columns);
}
