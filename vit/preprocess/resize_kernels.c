/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8-bit loops in plain C, against which the variants are tested; and the choice between them. */
#include "resize_kernels.h"

/* Sums wrap round as the reference's 32-bit registers do. */
static uint32_t weight_at(const vit__taps *taps, size_t index)
{
    int32_t weight = taps->high[index];
    if (taps->wide)
        weight = weight * (1 << VIT__LOW_BITS) + taps->low[index];
    return (uint32_t)weight;
}

static uint8_t rounded(uint32_t sum, unsigned bits)
{
    int32_t value = (int32_t)sum >> bits;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One half; without fractional bits (a weight of 32767 or more, alone in its window) there is nothing to round. */
static uint32_t half(unsigned bits)
{
    return bits ? (uint32_t)1 << (bits - 1) : 0;
}

static void horizontal(const vit__taps *taps, const void *row, void *out)
{
    const uint8_t *in = row;
    uint8_t *pixel = out;
    for (size_t i = 0; i < taps->n; i++, pixel += 3) {
        const uint8_t *p = in + (size_t)3 * taps->first[i];
        uint32_t red = half(taps->bits), green = red, blue = red;
        for (size_t k = 0; k < taps->count[i]; k++, p += 3) {
            uint32_t weight = weight_at(taps, i * taps->stride + k);
            red += weight * p[0];
            green += weight * p[1];
            blue += weight * p[2];
        }
        pixel[0] = rounded(red, taps->bits);
        pixel[1] = rounded(green, taps->bits);
        pixel[2] = rounded(blue, taps->bits);
    }
}

/* In blocks whose sums stay in the first-level cache. */
#define BLOCK 256

void vit__resize_vertical_c(const vit__taps *taps, size_t i, const void *const *rows, size_t begin, size_t n, void *out)
{
    uint32_t sums[BLOCK];
    for (; begin < n; begin += BLOCK) {
        size_t m = n - begin < BLOCK ? n - begin : BLOCK;
        for (size_t x = 0; x < m; x++)
            sums[x] = half(taps->bits);
        for (size_t k = 0; k < taps->count[i]; k++) {
            uint32_t weight = weight_at(taps, i * taps->stride + k);
            const uint8_t *row = (const uint8_t *)rows[k] + begin;
            for (size_t x = 0; x < m; x++)
                sums[x] += weight * row[x];
        }
        for (size_t x = 0; x < m; x++)
            ((uint8_t *)out)[begin + x] = rounded(sums[x], taps->bits);
    }
}

static void vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    vit__resize_vertical_c(taps, i, rows, 0, n, out);
}

const vit__resize_kernels vit__resize_kernels_c = {"c", 1, horizontal, vertical};

static const struct {
    unsigned flags;
    const vit__resize_kernels *kernels;
} variants[] = {
    {0, &vit__resize_kernels_c},
    VIT__ON_X86_64({VIT__CPU_AVX2, &vit__resize_kernels_avx2}, {VIT__CPU_AVX512, &vit__resize_kernels_avx512})
        VIT__ON_ARM_64({VIT__CPU_NEON, &vit__resize_kernels_neon})};

const vit__resize_kernels *vit__resize_kernels_get(unsigned flags)
{
    size_t i = sizeof variants / sizeof *variants - 1;
    while (!vit__cpu_has(flags, variants[i].flags))
        i--;
    return variants[i].kernels;
}
