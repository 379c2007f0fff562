/* SPDX-License-Identifier: BSD-2-Clause */
/* AVX2 and FMA. bfloat16 and int8 by wider instructions: a bfloat16 is the upper half of a float; 8-bit integers
 * become pairs of 16-bit ones, even and odd bytes apart (vpmaddubsw would saturate). */
#include "tiles_avx2.h"

ALWAYS_INLINE vector add_f32(vector x, vector y)
{
    return _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(y)));
}

ALWAYS_INLINE vector step_f32(vector sum, vector a, vector w)
{
    return _mm256_castps_si256(
        _mm256_fmadd_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(w), _mm256_castsi256_ps(sum)));
}

ALWAYS_INLINE vector step_bf16(vector sum, vector a, vector w)
{
    const vector upper = _mm256_set1_epi32(-65536);
    sum = step_f32(sum, _mm256_slli_epi32(a, 16), _mm256_slli_epi32(w, 16));
    return step_f32(sum, _mm256_and_si256(a, upper), _mm256_and_si256(w, upper));
}

ALWAYS_INLINE vector step_int8(vector sum, vector a, vector w)
{
    const vector lower = _mm256_set1_epi16(255);
    vector even = _mm256_madd_epi16(_mm256_and_si256(a, lower), _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8));
    vector odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(w, 8));
    return _mm256_add_epi32(_mm256_add_epi32(sum, even), odd);
}

#define TILE_FUNCTION multiply_f32
#define TILE_STEP step_f32
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "tiles_body.h"

#define TILE_FUNCTION multiply_bf16
#define TILE_STEP step_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 4
#define TILE_VECTORS 2
#include "tiles_body.h"

#define TILE_FUNCTION multiply_int8
#define TILE_STEP step_int8
#define TILE_ADD add_int32
#define TILE_ROWS 4
#define TILE_VECTORS 2
#include "tiles_body.h"

const vit__tiles vit__tiles_avx2 = {.f32 = {.name = "avx2", .multiply = multiply_f32},
                                    .bf16 = {.name = "avx2", .multiply = multiply_bf16},
                                    .int8 = {.name = "avx2", .multiply = multiply_int8}};
