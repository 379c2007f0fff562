/* SPDX-License-Identifier: BSD-2-Clause */
/* The vector of NEON, for the four files that multiply with it. */
#ifndef VIT_TILES_NEON_H
#define VIT_TILES_NEON_H

#include <arm_neon.h>

#include "tiles_vector.h"

typedef uint32x4_t vector;
#define LANES 4

ALWAYS_INLINE vector zero(void)
{
    return vdupq_n_u32(0);
}

ALWAYS_INLINE vector load(const uint32_t *from)
{
    return vld1q_u32(from);
}

/* In one register. GCC would load again each lane that is used. */
ALWAYS_INLINE vector whole(vector x)
{
    __asm__("" : "+w"(x));
    return x;
}

ALWAYS_INLINE void store(uint32_t *to, vector x)
{
    vst1q_u32(to, x);
}

ALWAYS_INLINE vector broadcast(const uint32_t *from)
{
    return vdupq_n_u32(*from);
}

ALWAYS_INLINE vector add_f32(vector x, vector y)
{
    return vreinterpretq_u32_f32(vaddq_f32(vreinterpretq_f32_u32(x), vreinterpretq_f32_u32(y)));
}

ALWAYS_INLINE vector add_int32(vector x, vector y)
{
    return vaddq_u32(x, y);
}

ALWAYS_INLINE vector subtract_int32(vector x, vector y)
{
    return vsubq_u32(x, y);
}

/* ------------------------------------------------------------------ products of matrices ---- */

/* Loads two words from each of two rows. */
ALWAYS_INLINE vector load_two_words(const uint32_t *row, const uint32_t *next)
{
    return vcombine_u32(vld1_u32(row), vld1_u32(next));
}

/* Loads one word, and a zero behind it, from each of two rows. */
ALWAYS_INLINE vector load_one_word(const uint32_t *row, const uint32_t *next)
{
    const uint32x2_t none = vdup_n_u32(0);
    return vcombine_u32(vld1_lane_u32(row, none, 0), vld1_lane_u32(next, none, 0));
}

/* x0 y0 x1 y1: the words of the first two columns, of two rows x and y of a panel. */
ALWAYS_INLINE vector zip_first(vector x, vector y)
{
    return vzip1q_u32(x, y);
}

/* x2 y2 x3 y3 */
ALWAYS_INLINE vector zip_second(vector x, vector y)
{
    return vzip2q_u32(x, y);
}

/* Sums of four columns by two rows lie in two registers, two columns each: the first row's, the second row's. */
ALWAYS_INLINE vector first_halves(vector x, vector y)
{
    return vreinterpretq_u32_u64(vzip1q_u64(vreinterpretq_u64_u32(x), vreinterpretq_u64_u32(y)));
}

ALWAYS_INLINE vector second_halves(vector x, vector y)
{
    return vreinterpretq_u32_u64(vzip2q_u64(vreinterpretq_u64_u32(x), vreinterpretq_u64_u32(y)));
}

#endif
