/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX-512 F and BW. bfloat16 and int8 by wider instructions: a bfloat16 is the upper half of a float; 8-bit integers
 * become pairs of 16-bit ones, even and odd bytes apart. */
#include <immintrin.h>

#include "tiles_avx512.h"

ALWAYS_INLINE vector step_bf16(vector sum, vector a, vector w)
{
    const vector upper = _mm512_set1_epi32(-65536);
    sum = step_f32(sum, _mm512_slli_epi32(a, 16), _mm512_slli_epi32(w, 16));
    return step_f32(sum, _mm512_and_si512(a, upper), _mm512_and_si512(w, upper));
}

ALWAYS_INLINE vector step_int8(vector sum, vector a, vector w)
{
    const vector lower = _mm512_set1_epi16(255);
    vector even = _mm512_madd_epi16(_mm512_and_si512(a, lower), _mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8));
    vector odd = _mm512_madd_epi16(_mm512_srli_epi16(a, 8), _mm512_srai_epi16(w, 8));
    return _mm512_add_epi32(_mm512_add_epi32(sum, even), odd);
}

#define TILE_FUNCTION multiply_f32
#define TILE_STEP step_f32
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 4
#define TILE_AHEAD 8
#include "tiles_body.h"

#define TILE_FUNCTION multiply_bf16
#define TILE_STEP step_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "tiles_body.h"

#define TILE_FUNCTION multiply_int8
#define TILE_STEP step_int8
#define TILE_ADD add_int32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "tiles_body.h"

const vit__tiles vit__tiles_avx512 = {.f32 = {.name = "avx512", .multiply = multiply_f32},
                                      .bf16 = {.name = "avx512", .multiply = multiply_bf16},
                                      .int8 = {.name = "avx512", .multiply = multiply_int8}};
