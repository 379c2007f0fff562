/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8-bit loops with NEON. Samples are widened to 16 bits and multiplied by weights of 16 (SMLAL). A weight of 22
 * bits comes in two halves, whose sums are put together at the end. All arithmetic is modulo 2^32, so the bits are
 * those of the plain loop.
 */
#include <arm_neon.h>
#include <string.h>

#include "resize_kernels.h"

/* Sum, rounding, shift, limits. */
static inline uint16x4_t finish(int32x4_t high, int32x4_t low, const vit__taps *taps)
{
    if (taps->wide)
        high = vaddq_s32(vshlq_n_s32(high, VIT__LOW_BITS), low);
    int32x4_t half = vdupq_n_s32(taps->bits ? 1 << (taps->bits - 1) : 0);
    return vqmovun_s32(vshlq_s32(vaddq_s32(high, half), vdupq_n_s32(-(int32_t)taps->bits)));
}

/* sum + four pixels of 16-bit samples, R G B and nothing, by a weight each */
static inline int32x4_t add_pixels(int32x4_t sum, int16x8_t first, int16x8_t second, int16x4_t weights)
{
    sum = vmlal_lane_s16(sum, vget_low_s16(first), weights, 0);
    sum = vmlal_lane_s16(sum, vget_high_s16(first), weights, 1);
    sum = vmlal_lane_s16(sum, vget_low_s16(second), weights, 2);
    return vmlal_lane_s16(sum, vget_high_s16(second), weights, 3);
}

static inline int16x8_t widened(uint8x8_t samples)
{
    return vreinterpretq_s16_u16(vmovl_u8(samples));
}

static void horizontal(const vit__taps *taps, const void *row, void *out)
{
    /* R G B of four pixels -> R G B 0 of each */
    static const uint8_t order[16] = {0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255};
    const uint8x16_t apart = vld1q_u8(order);
    uint8_t *pixel = out;
    for (size_t i = 0; i < taps->n; i++, pixel += 3) {
        const uint8_t *p = (const uint8_t *)row + (size_t)3 * taps->first[i];
        const int16_t *high = taps->high + i * taps->stride, *low = taps->low + i * taps->stride;
        int32x4_t sum_high = vdupq_n_s32(0), sum_low = sum_high;
        for (size_t k = 0; k < taps->count[i]; k += 4, p += 12) {
            uint8x16_t in = vqtbl1q_u8(vld1q_u8(p), apart);
            int16x8_t first = widened(vget_low_u8(in)), second = widened(vget_high_u8(in));
            sum_high = add_pixels(sum_high, first, second, vld1_s16(high + k));
            if (taps->wide)
                sum_low = add_pixels(sum_low, first, second, vld1_s16(low + k));
        }
        uint16x4_t words = finish(sum_high, sum_low, taps);
        uint32_t bytes = vget_lane_u32(vreinterpret_u32_u8(vqmovn_u16(vcombine_u16(words, words))), 0);
        memcpy(pixel, &bytes, sizeof bytes); /* the fourth byte is overwritten by the next pixel, or in the slack */
    }
}

/* 16 samples at x */
static inline void vertical16(const vit__taps *taps, size_t i, const void *const *rows, size_t x, uint8_t *out)
{
    const int16_t *weights_high = taps->high + i * taps->stride, *weights_low = taps->low + i * taps->stride;
    const int32x4_t zero = vdupq_n_s32(0);
    int32x4_t high[4] = {zero, zero, zero, zero}, low[4] = {zero, zero, zero, zero};
    for (size_t k = 0; k < taps->count[i]; k++) {
        uint8x16_t samples = vld1q_u8((const uint8_t *)rows[k] + x);
        int16x8_t first = widened(vget_low_u8(samples)), second = widened(vget_high_u8(samples));
        const int16x4_t in[4] = {vget_low_s16(first), vget_high_s16(first), vget_low_s16(second),
                                 vget_high_s16(second)};
        for (size_t j = 0; j < 4; j++)
            high[j] = vmlal_n_s16(high[j], in[j], weights_high[k]);
        for (size_t j = 0; taps->wide && j < 4; j++)
            low[j] = vmlal_n_s16(low[j], in[j], weights_low[k]);
    }
    uint16x8_t first = vcombine_u16(finish(high[0], low[0], taps), finish(high[1], low[1], taps));
    uint16x8_t second = vcombine_u16(finish(high[2], low[2], taps), finish(high[3], low[3], taps));
    vst1q_u8(out + x, vcombine_u8(vqmovn_u16(first), vqmovn_u16(second)));
}

static void vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    size_t x = 0;
    for (; x + 16 <= n; x += 16)
        vertical16(taps, i, rows, x, out);
    vit__resize_vertical_c(taps, i, rows, x, n, out);
}

const vit__resize_kernels vit__resize_kernels_neon = {"neon", 1, horizontal, vertical};
