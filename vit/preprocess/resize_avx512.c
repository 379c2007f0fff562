/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8-bit loops with AVX-512 (F, BW): as resize_avx2.c, eight taps or 64 samples at once, remainders by a mask. */
#include <immintrin.h>
#include <string.h>

#include "resize_kernels.h"

static inline __m512i finish(__m512i high, __m512i low, const vit__taps *taps)
{
    if (taps->wide)
        high = _mm512_add_epi32(_mm512_slli_epi32(high, VIT__LOW_BITS), low);
    __m512i half = _mm512_set1_epi32(taps->bits ? 1 << (taps->bits - 1) : 0);
    return _mm512_sra_epi32(_mm512_add_epi32(high, half), _mm_cvtsi32_si128((int)taps->bits));
}

/* Four pairs of weights, each four times. */
static inline __m512i weights8(const int16_t *weights, __m512i order)
{
    return _mm512_permutexvar_epi32(order,
                                    _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)weights)));
}

static inline __m128i add_quarters(__m512i x)
{
    __m256i halves = _mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

static inline void store3(uint8_t *pixel, __m128i sums)
{
    __m128i words = _mm_packs_epi32(sums, sums);
    int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    memcpy(pixel, &bytes, sizeof bytes); /* the fourth byte is overwritten by the next pixel, or in the slack */
}

static void horizontal(const vit__taps *taps, const void *row, void *out)
{
    /* Quarter q takes pixels 2q and 2q+1, bytes 6q to 6q+5: first the words around them, then the bytes in pairs. */
    const __m512i words = _mm512_setr_epi32(0, 1, 2, 3, 1, 2, 3, 4, 3, 4, 5, 6, 4, 5, 6, 7);
    const __m128i even = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    const __m128i odd = _mm_setr_epi8(2, -1, 5, -1, 3, -1, 6, -1, 4, -1, 7, -1, -1, -1, -1, -1);
    const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(even), odd, 1);
    const __m512i pairs = _mm512_inserti64x4(_mm512_castsi256_si512(both), both, 1);
    const __m512i order = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m128i half = _mm_set1_epi32(taps->bits ? 1 << (taps->bits - 1) : 0);
    const __m128i shift = _mm_cvtsi32_si128((int)taps->bits);
    uint8_t *pixel = out;
    for (size_t i = 0; i < taps->n; i++, pixel += 3) {
        const uint8_t *p = (const uint8_t *)row + (size_t)3 * taps->first[i];
        const int16_t *high = taps->high + i * taps->stride, *low = taps->low + i * taps->stride;
        __m512i sum_high = _mm512_setzero_si512(), sum_low = sum_high;
        for (size_t k = 0; k < taps->count[i]; k += 8, p += 24) {
            __m512i in = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)p));
            in = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, in), pairs);
            sum_high = _mm512_add_epi32(sum_high, _mm512_madd_epi16(in, weights8(high + k, order)));
            if (taps->wide)
                sum_low = _mm512_add_epi32(sum_low, _mm512_madd_epi16(in, weights8(low + k, order)));
        }
        if (taps->wide)
            sum_high = _mm512_add_epi32(_mm512_slli_epi32(sum_high, VIT__LOW_BITS), sum_low);
        store3(pixel, _mm_sra_epi32(_mm_add_epi32(add_quarters(sum_high), half), shift));
    }
}

static inline __m512i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm512_set1_epi32(pair);
}

/* The samples of mask, at x */
static inline void vertical64(const vit__taps *taps, size_t i, const void *const *rows, size_t x, __mmask64 mask,
                              uint8_t *out)
{
    const int16_t *weights_high = taps->high + i * taps->stride, *weights_low = taps->low + i * taps->stride;
    const __m512i zero = _mm512_setzero_si512();
    __m512i high[4] = {zero, zero, zero, zero}, low[4] = {zero, zero, zero, zero};
    for (size_t k = 0; k < taps->count[i]; k += 2) {
        __m512i a = _mm512_maskz_loadu_epi8(mask, (const uint8_t *)rows[k] + x);
        __m512i b = _mm512_maskz_loadu_epi8(mask, (const uint8_t *)rows[k + 1] + x);
        __m512i first = _mm512_unpacklo_epi8(a, b), second = _mm512_unpackhi_epi8(a, b);
        __m512i in[4] = {_mm512_unpacklo_epi8(first, zero), _mm512_unpackhi_epi8(first, zero),
                         _mm512_unpacklo_epi8(second, zero), _mm512_unpackhi_epi8(second, zero)};
        __m512i weight = weight_pair(weights_high + k);
        for (size_t j = 0; j < 4; j++)
            high[j] = _mm512_add_epi32(high[j], _mm512_madd_epi16(in[j], weight));
        if (!taps->wide)
            continue;
        weight = weight_pair(weights_low + k);
        for (size_t j = 0; j < 4; j++)
            low[j] = _mm512_add_epi32(low[j], _mm512_madd_epi16(in[j], weight));
    }
    for (size_t j = 0; j < 4; j++)
        high[j] = finish(high[j], low[j], taps);
    __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(high[0], high[1]), _mm512_packs_epi32(high[2], high[3]));
    _mm512_mask_storeu_epi8(out + x, mask, bytes);
}

static void vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    size_t x = 0;
    for (; x + 64 <= n; x += 64)
        vertical64(taps, i, rows, x, ~(__mmask64)0, out);
    if (x < n)
        vertical64(taps, i, rows, x, ((__mmask64)1 << (n - x)) - 1, out);
}

const vit__resize_kernels vit__resize_kernels_avx512 = {"avx512", 1, horizontal, vertical};
