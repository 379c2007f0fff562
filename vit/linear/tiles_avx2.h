/* SPDX-License-Identifier: BSD-2-Clause */
/* The vector of AVX2, for the two files that multiply with it. */
#ifndef VIT_TILES_AVX2_H
#define VIT_TILES_AVX2_H

#include <immintrin.h>

#include "tiles_vector.h"

typedef __m256i vector;
#define LANES 8

ALWAYS_INLINE vector zero(void)
{
    return _mm256_setzero_si256();
}

ALWAYS_INLINE vector load(const uint32_t *from)
{
    return _mm256_loadu_si256((const __m256i_u *)from);
}

ALWAYS_INLINE void store(uint32_t *to, vector x)
{
    _mm256_storeu_si256((__m256i_u *)to, x);
}

ALWAYS_INLINE vector broadcast(const uint32_t *from)
{
    return _mm256_set1_epi32((int)*from);
}

ALWAYS_INLINE vector add_int32(vector x, vector y)
{
    return _mm256_add_epi32(x, y);
}

#endif
