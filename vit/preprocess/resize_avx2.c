/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8-bit loops with AVX2. Two taps are multiplied and added at once by the 16-bit multiplier (vpmaddwd): samples are
 * widened to pairs (tap k, tap k+1), and a weight of 22 bits comes in two halves of 16 whose sums are put together at
 * the end. All arithmetic is modulo 2^32, so the bits are those of the plain loop.
 * `vertical` is bound by the multiplier, `horizontal` by its shuffles (one per four taps, and one per weight half).
 */
#include <immintrin.h>
#include <string.h>

#include "resize_kernels.h"

/* Sum, rounding, shift. */
static inline __m256i finish(__m256i high, __m256i low, const vit__taps *taps)
{
    if (taps->wide)
        high = _mm256_add_epi32(_mm256_slli_epi32(high, VIT__LOW_BITS), low);
    __m256i half = _mm256_set1_epi32(taps->bits ? 1 << (taps->bits - 1) : 0);
    return _mm256_sra_epi32(_mm256_add_epi32(high, half), _mm_cvtsi32_si128((int)taps->bits));
}

/* Weights (k, k+1) in the first half of a register and (k+2, k+3) in the second, four times each. */
static inline __m256i weights4(const int16_t *weights, __m256i order)
{
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)(const void *)weights)),
                                       order);
}

static inline void store3(uint8_t *pixel, __m128i sums)
{
    __m128i words = _mm_packs_epi32(sums, sums);
    int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    memcpy(pixel, &bytes, sizeof bytes); /* the fourth byte is overwritten by the next pixel, or in the slack */
}

static void horizontal(const vit__taps *taps, const void *row, void *out)
{
    /* R G B of two pixels -> (R R')(G G')(B B')(0 0), 16 bits each; the second half of the register two pixels on */
    const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* first half */
                                           6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i order = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    uint8_t *pixel = out;
    for (size_t i = 0; i < taps->n; i++, pixel += 3) {
        const uint8_t *p = (const uint8_t *)row + (size_t)3 * taps->first[i];
        const int16_t *high = taps->high + i * taps->stride, *low = taps->low + i * taps->stride;
        __m256i sum_high = _mm256_setzero_si256(), sum_low = sum_high;
        for (size_t k = 0; k < taps->count[i]; k += 4, p += 12) {
            __m256i in = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
            in = _mm256_shuffle_epi8(in, pairs);
            sum_high = _mm256_add_epi32(sum_high, _mm256_madd_epi16(in, weights4(high + k, order)));
            if (taps->wide)
                sum_low = _mm256_add_epi32(sum_low, _mm256_madd_epi16(in, weights4(low + k, order)));
        }
        /* The halves hold other taps of the same pixel: add them before the rounding. */
        sum_high = _mm256_add_epi32(sum_high, _mm256_permute2x128_si256(sum_high, sum_high, 1));
        sum_low = _mm256_add_epi32(sum_low, _mm256_permute2x128_si256(sum_low, sum_low, 1));
        store3(pixel, _mm256_castsi256_si128(finish(sum_high, sum_low, taps)));
    }
}

static inline __m256i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* 32 samples at x */
static inline void vertical32(const vit__taps *taps, size_t i, const void *const *rows, size_t x, uint8_t *out)
{
    const int16_t *weights_high = taps->high + i * taps->stride, *weights_low = taps->low + i * taps->stride;
    const __m256i zero = _mm256_setzero_si256();
    __m256i high[4] = {zero, zero, zero, zero}, low[4] = {zero, zero, zero, zero};
    for (size_t k = 0; k < taps->count[i]; k += 2) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)((const uint8_t *)rows[k] + x));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)((const uint8_t *)rows[k + 1] + x));
        __m256i first = _mm256_unpacklo_epi8(a, b), second = _mm256_unpackhi_epi8(a, b);
        __m256i in[4] = {_mm256_unpacklo_epi8(first, zero), _mm256_unpackhi_epi8(first, zero),
                         _mm256_unpacklo_epi8(second, zero), _mm256_unpackhi_epi8(second, zero)};
        __m256i weight = weight_pair(weights_high + k);
        for (size_t j = 0; j < 4; j++)
            high[j] = _mm256_add_epi32(high[j], _mm256_madd_epi16(in[j], weight));
        if (!taps->wide)
            continue;
        weight = weight_pair(weights_low + k);
        for (size_t j = 0; j < 4; j++)
            low[j] = _mm256_add_epi32(low[j], _mm256_madd_epi16(in[j], weight));
    }
    for (size_t j = 0; j < 4; j++)
        high[j] = finish(high[j], low[j], taps);
    __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(high[0], high[1]), _mm256_packs_epi32(high[2], high[3]));
    _mm256_storeu_si256((__m256i *)(void *)(out + x), bytes);
}

static void vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    size_t x = 0;
    for (; x + 32 <= n; x += 32)
        vertical32(taps, i, rows, x, out);
    vit__resize_vertical_c(taps, i, rows, x, n, out);
}

const vit__resize_kernels vit__resize_kernels_avx2 = {"avx2", 1, horizontal, vertical};
