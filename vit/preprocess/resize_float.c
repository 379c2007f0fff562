/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops for float samples (DINOv3 rescales before it resizes): nothing is rounded, nothing clipped. */
#include <string.h>

#include "resize_kernels.h"

static void horizontal(const vit__taps *taps, const void *row, void *out)
{
    float *pixel = out;
    for (size_t i = 0; i < taps->n; i++, pixel += 3) {
        const float *p = (const float *)row + (size_t)3 * taps->first[i], *weight = taps->weight + i * taps->stride;
        float red = 0, green = 0, blue = 0;
        for (size_t k = 0; k < taps->count[i]; k++, p += 3) {
            red += weight[k] * p[0];
            green += weight[k] * p[1];
            blue += weight[k] * p[2];
        }
        pixel[0] = red;
        pixel[1] = green;
        pixel[2] = blue;
    }
}

static void vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    const float *weight = taps->weight + i * taps->stride;
    float *restrict sums = out;
    memset(sums, 0, n * sizeof *sums);
    for (size_t k = 0; k < taps->count[i]; k++) {
        const float *restrict row = rows[k];
        for (size_t x = 0; x < n; x++)
            sums[x] += weight[k] * row[x];
    }
}

const vit__resize_kernels vit__resize_kernels_float = {"float", sizeof(float), horizontal, vertical};
