/* SPDX-License-Identifier: BSD-2-Clause */
/* VNNI: four products of 8-bit integers a lane and instruction. */
#include "tiles_avx512.h"

#define TILE_FUNCTION multiply_int8
#define TILE_STEP _mm512_dpbusd_epi32
#define TILE_ADD add_int32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#define TILE_AHEAD 8
#include "tiles_body.h"

const vit__tiles vit__tiles_avx512_vnni = {.int8 = {.name = "avx512_vnni", .multiply = multiply_int8}};
