/* SPDX-License-Identifier: BSD-2-Clause */
/* The vector of AVX-512, for the three files that multiply with it. */
#ifndef VIT_TILES_AVX512_H
#define VIT_TILES_AVX512_H

#include <immintrin.h>

#include "tiles_vector.h"

typedef __m512i vector;
#define LANES 16

ALWAYS_INLINE vector zero(void)
{
    return _mm512_setzero_si512();
}

ALWAYS_INLINE vector load(const uint32_t *from)
{
    return _mm512_loadu_si512(from);
}

ALWAYS_INLINE void store(uint32_t *to, vector x)
{
    _mm512_storeu_si512(to, x);
}

ALWAYS_INLINE vector broadcast(const uint32_t *from)
{
    return _mm512_set1_epi32((int)*from);
}

ALWAYS_INLINE vector add_f32(vector x, vector y)
{
    return _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(y)));
}

ALWAYS_INLINE vector add_int32(vector x, vector y)
{
    return _mm512_add_epi32(x, y);
}

ALWAYS_INLINE vector step_f32(vector sum, vector a, vector w)
{
    return _mm512_castps_si512(
        _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(w), _mm512_castsi512_ps(sum)));
}

#endif
