/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NEON as every 64-bit ARM processor has it. A bfloat16 is the upper half of a float. Bytes are multiplied to 16 bits,
 * two products are added there, and pairs of such sums to 32. The bytes of a word are put apart, so that the first
 * halves of four columns' words lie beside each other, and then the second halves.
 *
 * The bytes b of a row are unsigned, and multiplied as signed bytes: b - 128 in the first half, 127 - b in the second.
 * The products of the first half are added and those of the second taken off. With weights from -128 to 127, such a
 * difference is within 32,640, while the sum of two products of -128 and -128 would be too much for 16 bits.
 */
#include "tiles_neon.h"

ALWAYS_INLINE vector step_f32(vector sum, vector a, vector w)
{
    return vreinterpretq_u32_f32(
        vfmaq_f32(vreinterpretq_f32_u32(sum), vreinterpretq_f32_u32(a), vreinterpretq_f32_u32(w)));
}

#define lane_f32(sum, a, w, lane)                                                                                      \
    vreinterpretq_u32_f32(                                                                                             \
        vfmaq_laneq_f32(vreinterpretq_f32_u32(sum), vreinterpretq_f32_u32(w), vreinterpretq_f32_u32(a), lane))

ALWAYS_INLINE vector lower(vector x)
{
    return vshlq_n_u32(x, 16);
}

ALWAYS_INLINE vector upper(vector x)
{
    return vandq_u32(x, vdupq_n_u32(0xFFFF0000u));
}

ALWAYS_INLINE vector step_bf16(vector sum, vector a, vector w)
{
    return step_f32(step_f32(sum, lower(a), lower(w)), upper(a), upper(w));
}

#define lane_bf16(sum, a, w, lane) lane_f32(lane_f32(sum, lower(a), lower(w), lane), upper(a), upper(w), lane)

/* Words 0 1 2 3 -> bytes 01 of word 0, of word 1, of word 2, of word 3; then their bytes 23. */
ALWAYS_INLINE vector apart(vector words)
{
    static const uint8_t order[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};
    return vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(words), vld1q_u8(order)));
}

/* Eight times the one byte, eight times the other. */
ALWAYS_INLINE vector halves(int8_t first, int8_t second)
{
    return vreinterpretq_u32_s8(vcombine_s8(vdup_n_s8(first), vdup_n_s8(second)));
}

ALWAYS_INLINE vector value_int8(vector words)
{
    return veorq_u32(apart(words), halves(-128, 127));
}

ALWAYS_INLINE vector step_int8(vector sum, vector a, vector w)
{
    int8x16_t bytes = vreinterpretq_s8_u32(a), weights = vreinterpretq_s8_u32(w);
    int16x8_t products = vmull_s8(vget_low_s8(bytes), vget_low_s8(weights));
    products = vmlsl_high_s8(products, bytes, weights);
    return vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(sum), products));
}

#define TILE_FUNCTION multiply_f32
#define TILE_STEP step_f32
#define TILE_LANE_STEP lane_f32
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#include "tiles_body.h"

#define TILE_FUNCTION multiply_bf16
#define TILE_STEP step_bf16
#define TILE_LANE_STEP lane_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 4
#define TILE_VECTORS 4
#include "tiles_body.h"

#define TILE_FUNCTION multiply_int8
#define TILE_VALUE value_int8
#define TILE_WEIGHTS apart
#define TILE_OFFSET halves(-128, 127) /* what a byte of 0 is */
#define TILE_STEP step_int8
#define TILE_ADD add_int32
#define TILE_ROWS 4
#define TILE_VECTORS 4
#include "tiles_body.h"

const vit__tiles vit__tiles_neon = {.f32 = {.name = "neon", .multiply = multiply_f32},
                                    .bf16 = {.name = "neon", .multiply = multiply_bf16},
                                    .int8 = {.name = "neon", .multiply = multiply_int8}};
