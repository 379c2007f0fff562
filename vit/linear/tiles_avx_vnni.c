/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2 with VNNI: four products of 8-bit integers a lane and instruction. */
#include "tiles_avx2.h"

/* A test puts a function in plain C here, for processors without the instruction. */
#ifndef STEP_INT8
#define STEP_INT8 _mm256_dpbusd_avx_epi32
#endif

#define TILE_FUNCTION multiply_int8
#define TILE_STEP STEP_INT8
#define TILE_ADD add_int32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "tiles_body.h"

const vit__tiles vit__tiles_avx_vnni = {.int8 = {.name = "avx_vnni", .multiply = multiply_int8}};
