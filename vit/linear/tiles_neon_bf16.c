/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BF16: two rows of four bfloat16 by two columns of four an instruction (BFMMLA). For each sum the instruction adds the
 * products of the first word, then those of the second: two products by themselves, then their sum to what there was.
 * It rounds each addition to odd, and treats subnormal inputs and sums as zero. A sum's bits depend on its own row and
 * column, and a word of zeros at the end changes none.
 */
#include "tiles_neon.h"

ALWAYS_INLINE vector step_bf16(vector sums, vector rows, vector columns)
{
    return vreinterpretq_u32_f32(
        vbfmmlaq_f32(vreinterpretq_f32_u32(sums), vreinterpretq_bf16_u32(rows), vreinterpretq_bf16_u32(columns)));
}

#define TILE_FUNCTION multiply_bf16
#define TILE_PAIR_STEP step_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#include "tiles_body.h"

const vit__tiles vit__tiles_neon_bf16 = {.bf16 = {.name = "bf16", .multiply = multiply_bf16}};
