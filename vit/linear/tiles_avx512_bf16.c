/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX512-BF16: two products of bfloat16 a lane and instruction. The instruction treats subnormal inputs and sums as
 * zero and rounds to even whatever the mode. */
#include "tiles_avx512.h"

ALWAYS_INLINE vector step_bf16(vector sum, vector a, vector w)
{
    return _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), (__m512bh)a, (__m512bh)w));
}

#define TILE_FUNCTION multiply_bf16
#define TILE_STEP step_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#include "tiles_body.h"

const vit__tiles vit__tiles_avx512_bf16 = {.bf16 = {.name = "avx512_bf16", .multiply = multiply_bf16}};
