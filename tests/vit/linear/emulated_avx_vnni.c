/* SPDX-License-Identifier: BSD-2-Clause */
/* The tiles of AVX2 with VNNI on processors that have AVX2 alone: the same source with a function in place of its
 * instruction. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* vpdpbusd: to each of eight sums four products of an unsigned and a signed byte, modulo 2^32. */
static inline __m256i multiply_and_add(__m256i sums, __m256i unsigned_bytes, __m256i signed_bytes)
{
    uint32_t sum[8];
    uint8_t a[32];
    int8_t b[32];
    memcpy(sum, &sums, sizeof sum);
    memcpy(a, &unsigned_bytes, sizeof a);
    memcpy(b, &signed_bytes, sizeof b);
    for (int i = 0; i < 32; i++)
        sum[i / 4] += (uint32_t)(a[i] * b[i]);
    memcpy(&sums, sum, sizeof sums);
    return sums;
}

#define STEP_INT8 multiply_and_add
#define vit__tiles_avx_vnni tiles_emulated_avx_vnni
#include "tiles_avx_vnni.c"
