/* SPDX-License-Identifier: BSD-2-Clause */
#include "rows.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#include "error.h"

size_t vit__rows_in_block(const vit_fit_rows *rows, size_t index)
{
    size_t left = rows->n - index * VIT__ROWS_BLOCK;
    return left < VIT__ROWS_BLOCK ? left : VIT__ROWS_BLOCK;
}

void vit__rows_gather(const vit_fit_rows *rows, size_t index, const double *mean, double *restrict x)
{
    size_t width = rows->width, n = vit__rows_in_block(rows, index);
    for (size_t i = 0; i < n; i++, x += width) {
        const float *restrict from = rows->vectors + vit__rows_at(rows, index * VIT__ROWS_BLOCK + i) * width;
        for (size_t k = 0; k < width; k++)
            x[k] = from[k];
        for (size_t k = 0; mean && k < width; k++)
            x[k] -= mean[k];
    }
}

void vit__rows_count(const vit_fit_rows *rows, size_t *counts)
{
    for (size_t k = 0; k < rows->n_classes; k++)
        counts[k] = 0;
    for (size_t i = 0; i < rows->n; i++)
        counts[rows->classes[vit__rows_at(rows, i)]]++;
}

static vit_status fail_row(size_t row, vit_status status, const char *message, vit_error *err)
{
    char where[32];
    snprintf(where, sizeof where, "row %zu", row);
    return vit__fail(err, status, where, "%s", message);
}

static int is_finite(const float *vector, size_t width)
{
    for (size_t k = 0; k < width; k++)
        if (!isfinite(vector[k]))
            return 0;
    return 1;
}

vit_status vit__rows_check(const vit_fit_rows *rows, const char *function, vit_error *err)
{
    if (!rows)
        return vit__fail_null(err, function, "rows");
    if (!rows->vectors || !rows->classes)
        return vit__fail_null(err, function, rows->vectors ? "rows->classes" : "rows->vectors");
    if (rows->n_classes < 2)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "a classifier needs two classes or more");
    if (rows->width == 0 || rows->n == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function,
                         rows->n ? "vectors of no numbers" : "there are no rows");
    if (rows->width > INT_MAX / 2 || rows->n_classes > INT_MAX / 2 / (rows->width + 1))
        return vit__fail(err, VIT_ERR_TOO_LARGE, function, "%zu classes of %zu numbers are more than can be fitted",
                         rows->n_classes, rows->width);
    for (size_t i = 0; i < rows->n; i++) {
        size_t row = vit__rows_at(rows, i);
        if (rows->classes[row] >= rows->n_classes)
            return fail_row(row, VIT_ERR_INVALID_ARGUMENT, "its class is not below the number of classes", err);
        if (!is_finite(rows->vectors + row * rows->width, rows->width))
            return fail_row(row, VIT_ERR_NON_FINITE, "its vector holds NaN or infinity", err);
    }
    return VIT_OK;
}
