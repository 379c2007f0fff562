/* SPDX-License-Identifier: BSD-2-Clause */
/* Principal components of rows of numbers. The covariance matrix is multiplied with a block of vectors again and again
 * (subspace iteration: Golub and Van Loan, Matrix Computations, 8.2.4), until the largest directions stand still. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "vit/pipeline.h"

#define BLOCK_MAX 64u      /* vectors that are iterated together */
#define SPARE 13u          /* of them that are not asked for: the more, the sooner the others stand still */
#define ITERATIONS 1000u   /* at most */
#define RESIDUAL 1e-13     /* of the largest variance: |C q - v q| of a direction q that stands still */
#define NOTHING 1e-12      /* of the largest variance: a smaller one is rounding */
#define ROWS_AT_A_TIME 32u /* which stay in the cache while a row of the matrix is added to */
#define SWEEPS 30u         /* of Jacobi's method; it needs about 8 */

typedef struct iteration {
    size_t width, m;    /* m vectors */
    double *covariance; /* [width][width], times the number of rows */
    double *q, *y;      /* [width][m]: the vectors in columns, and what the matrix makes of them */
    double variances[BLOCK_MAX];
} iteration;

/* ------------------------------------------------------------------ covariance ---- */

static void take_mean(const float *rows, size_t n, size_t width, double *sums, float *mean)
{
    memset(sums, 0, width * sizeof *sums);
    for (size_t row = 0; row < n; row++)
        for (size_t i = 0; i < width; i++)
            sums[i] += (double)rows[row * width + i];
    for (size_t i = 0; i < width; i++) {
        sums[i] /= (double)n;
        mean[i] = (float)sums[i];
    }
}

/* Adds x^T x of a few centred rows x[n][width] to the upper triangle. */
static void add_products(const double *x, size_t n, size_t width, double *covariance)
{
    for (size_t i = 0; i < width; i++)
        for (size_t row = 0; row < n; row++) {
            const double factor = x[row * width + i];
            for (size_t j = i; j < width; j++)
                covariance[i * width + j] += factor * x[row * width + j];
        }
}

/* mean: in doubles, of the rows; x: room for ROWS_AT_A_TIME rows. */
static void fill_covariance(const float *rows, size_t n, const double *mean, double *x, iteration *it)
{
    const size_t width = it->width;
    for (size_t first = 0; first < n; first += ROWS_AT_A_TIME) {
        const size_t count = n - first < ROWS_AT_A_TIME ? n - first : ROWS_AT_A_TIME;
        for (size_t row = 0; row < count; row++)
            for (size_t i = 0; i < width; i++)
                x[row * width + i] = (double)rows[(first + row) * width + i] - mean[i];
        add_products(x, count, width, it->covariance);
    }
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < i; j++)
            it->covariance[i * width + j] = it->covariance[j * width + i];
}

static bool is_finite(const iteration *it)
{
    double trace = 0;
    for (size_t i = 0; i < it->width; i++)
        trace += it->covariance[i * it->width + i];
    return isfinite(trace);
}

/* ------------------------------------------------------------------ directions ---- */

/* y = C q */
static void multiply(iteration *it)
{
    const size_t m = it->m;
    memset(it->y, 0, it->width * m * sizeof *it->y);
    for (size_t i = 0; i < it->width; i++)
        for (size_t l = 0; l < it->width; l++)
            for (size_t j = 0; j < m; j++)
                it->y[i * m + j] += it->covariance[i * it->width + l] * it->q[l * m + j];
}

static double dot(const double *a, const double *b, const iteration *it)
{
    double sum = 0;
    for (size_t i = 0; i < it->width * it->m; i += it->m)
        sum += a[i] * b[i];
    return sum;
}

/* The columns of q become orthogonal and of length 1. One that lies in the space of those before it becomes zero. */
static void make_orthonormal(iteration *it)
{
    const size_t m = it->m, n = it->width * m;
    for (size_t j = 0; j < m; j++) {
        const double before = sqrt(dot(it->q + j, it->q + j, it));
        for (unsigned again = 0; again < 2; again++)
            for (size_t k = 0; k < j; k++) {
                const double share = dot(it->q + j, it->q + k, it);
                for (size_t i = 0; i < n; i += m)
                    it->q[i + j] -= share * it->q[i + k];
            }
        const double length = sqrt(dot(it->q + j, it->q + j, it));
        const double factor = length > before * NOTHING ? 1 / length : 0;
        for (size_t i = 0; i < n; i += m)
            it->q[i + j] *= factor;
    }
}

/* Turns columns a and b of v[rows][m] by the angle whose cosine is c and sine s. */
static void turn(double *v, size_t rows, size_t m, size_t a, size_t b, double c, double s)
{
    for (size_t i = 0; i < rows; i++) {
        const double x = v[i * m + a], y = v[i * m + b];
        v[i * m + a] = c * x - s * y;
        v[i * m + b] = s * x + c * y;
    }
}

/* Jacobi's method: t[m][m], symmetric, becomes diagonal, and the columns of v[m][m] its eigenvectors. */
static void diagonalise(double *t, double *v, size_t m)
{
    memset(v, 0, m * m * sizeof *v);
    for (size_t i = 0; i < m; i++)
        v[i * m + i] = 1;
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t a = 0; a < m; a++)
            for (size_t b = a + 1; b < m; b++) {
                if (t[a * m + b] == 0)
                    continue;
                const double theta = (t[b * m + b] - t[a * m + a]) / (2 * t[a * m + b]);
                const double tangent = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
                const double c = 1 / sqrt(tangent * tangent + 1), s = tangent * c;
                turn(t, m, m, a, b, c, s);
                for (size_t i = 0; i < m; i++) { /* and the rows */
                    const double x = t[a * m + i], y = t[b * m + i];
                    t[a * m + i] = c * x - s * y;
                    t[b * m + i] = s * x + c * y;
                }
                t[a * m + b] = t[b * m + a] = 0;
                turn(v, m, m, a, b, c, s);
            }
}

/* x[width][m] becomes x v, with the columns of v in the given order; row: room for m numbers. */
static void rotate(double *x, const iteration *it, const double *v, const size_t *order, double *row)
{
    const size_t m = it->m;
    for (size_t i = 0; i < it->width; i++) {
        memcpy(row, x + i * m, m * sizeof *row);
        for (size_t j = 0; j < m; j++) {
            x[i * m + j] = 0;
            for (size_t k = 0; k < m; k++)
                x[i * m + j] += row[k] * v[k * m + order[j]];
        }
    }
}

/* Within the space of q (y = C q), the directions of largest variance, largest first (Rayleigh and Ritz). */
static void settle(iteration *it)
{
    double t[BLOCK_MAX * BLOCK_MAX], v[BLOCK_MAX * BLOCK_MAX], row[BLOCK_MAX];
    size_t order[BLOCK_MAX];
    const size_t m = it->m;
    for (size_t i = 0; i < m; i++)
        for (size_t j = i; j < m; j++)
            t[i * m + j] = t[j * m + i] = dot(it->q + i, it->y + j, it);
    diagonalise(t, v, m);
    for (size_t i = 0; i < m; i++) { /* insertion: m is small */
        size_t at = i;
        for (; at > 0 && t[order[at - 1] * (m + 1)] < t[i * (m + 1)]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < m; i++)
        it->variances[i] = t[order[i] * (m + 1)];
    rotate(it->q, it, v, order, row);
    rotate(it->y, it, v, order, row);
}

/* Do the first k directions stand still? */
static bool is_settled(const iteration *it, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        double sum = 0;
        for (size_t i = 0; i < it->width; i++) {
            const double residual = it->y[i * it->m + j] - it->variances[j] * it->q[i * it->m + j];
            sum += residual * residual;
        }
        if (sqrt(sum) > RESIDUAL * it->variances[0])
            return false;
    }
    return true;
}

static void iterate(iteration *it, size_t k)
{
    uint32_t state = 1;
    for (size_t i = 0; i < it->width * it->m; i++) { /* anything that has a share of every direction */
        state = state * 1664525u + 1013904223u;      /* Numerical Recipes */
        it->q[i] = (double)(int32_t)state * 0x1p-31;
    }
    make_orthonormal(it);
    for (unsigned i = 0; i < ITERATIONS; i++) {
        multiply(it);
        settle(it);
        if (is_settled(it, k))
            return;
        double *q = it->q;
        it->q = it->y;
        it->y = q;
        make_orthonormal(it);
    }
}

/* ------------------------------------------------------------------ all of it ---- */

/* The sign of a direction is free: its number of largest magnitude is positive. */
static void give(const iteration *it, size_t k, float *components)
{
    const size_t m = it->m;
    for (size_t j = 0; j < k; j++) {
        size_t most = 0;
        for (size_t i = 1; i < it->width; i++)
            if (fabs(it->q[i * m + j]) > fabs(it->q[most * m + j]))
                most = i;
        const bool there = it->variances[j] > NOTHING * it->variances[0];
        const double sign = !there ? 0 : it->q[most * m + j] < 0 ? -1 : 1;
        for (size_t i = 0; i < it->width; i++)
            components[j * it->width + i] = there ? (float)(sign * it->q[i * m + j]) : 0;
    }
}

vit_status vit_principal_components(const float *rows, size_t n, size_t width, size_t k, float *mean, float *components,
                                    vit_error *err)
{
    if (!rows || !mean || !components)
        return vit__fail_null(err, __func__, !rows ? "rows" : mean ? "components" : "mean");
    if (n == 0 || k == 0 || k > width || k > BLOCK_MAX)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__,
                         "%zu components of %zu rows of %zu numbers: 1 to %u are given, of 1 row or more, and not more "
                         "than a row has numbers",
                         k, n, width, BLOCK_MAX);
    size_t m = k + SPARE < BLOCK_MAX ? k + SPARE : BLOCK_MAX, row;
    iteration it = {.width = width, .m = m < width ? m : width};
    const bool fits = vit__multiply(width, sizeof(double), &row);
    double *means = fits ? vit__alloc(width, sizeof *means) : NULL;
    double *x = fits ? vit__alloc(ROWS_AT_A_TIME, row) : NULL;
    it.covariance = fits ? vit__alloc_zero(width, row) : NULL;
    it.q = fits ? vit__alloc(it.m, row) : NULL;
    it.y = fits ? vit__alloc(it.m, row) : NULL;
    vit_status status = VIT_OK;
    if (!means || !x || !it.covariance || !it.q || !it.y) {
        status = vit__fail_memory(err, __func__);
    } else {
        take_mean(rows, n, width, means, mean);
        fill_covariance(rows, n, means, x, &it);
        if (!is_finite(&it))
            status = vit__fail(err, VIT_ERR_NON_FINITE, __func__, "a row holds NaN or infinity");
    }
    if (status == VIT_OK) {
        iterate(&it, k);
        give(&it, k, components);
    }
    free(it.y);
    free(it.q);
    free(it.covariance);
    free(x);
    free(means);
    return status;
}
