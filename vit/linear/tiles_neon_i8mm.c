/* SPDX-License-Identifier: BSD-2-Clause */
/* I8MM: two rows of eight unsigned bytes by two columns of eight signed bytes an instruction (USMMLA). */
#include "tiles_neon.h"

ALWAYS_INLINE vector step_int8(vector sums, vector rows, vector columns)
{
    return vreinterpretq_u32_s32(
        vusmmlaq_s32(vreinterpretq_s32_u32(sums), vreinterpretq_u8_u32(rows), vreinterpretq_s8_u32(columns)));
}

#define TILE_FUNCTION multiply_int8
#define TILE_PAIR_STEP step_int8
#define TILE_ADD add_int32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#include "tiles_body.h"

const vit__tiles vit__tiles_neon_i8mm = {.int8 = {.name = "i8mm", .multiply = multiply_int8}};
