/* SPDX-License-Identifier: BSD-2-Clause */
/* SDOT: four products of signed bytes a lane and instruction. */
#include "tiles_neon.h"

ALWAYS_INLINE vector step_int8(vector sum, vector a, vector w)
{
    return vreinterpretq_u32_s32(
        vdotq_s32(vreinterpretq_s32_u32(sum), vreinterpretq_s8_u32(w), vreinterpretq_s8_u32(a)));
}

#define lane_int8(sum, a, w, lane)                                                                                     \
    vreinterpretq_u32_s32(                                                                                             \
        vdotq_laneq_s32(vreinterpretq_s32_u32(sum), vreinterpretq_s8_u32(w), vreinterpretq_s8_u32(a), lane))

/* Unsigned bytes less 128, as signed bytes; what sums lack by that is 128 times the weights. */
ALWAYS_INLINE vector less_128(vector bytes)
{
    return veorq_u32(bytes, vdupq_n_u32(0x80808080u));
}

#define TILE_FUNCTION multiply_int8
#define TILE_VALUE less_128
#define TILE_OFFSET vdupq_n_u32(0x80808080u) /* -128 */
#define TILE_STEP step_int8
#define TILE_LANE_STEP lane_int8
#define TILE_ADD add_int32
#define TILE_ROWS 4
#define TILE_VECTORS 4
#include "tiles_body.h"

const vit__tiles vit__tiles_neon_dotprod = {.int8 = {.name = "dotprod", .multiply = multiply_int8}};
