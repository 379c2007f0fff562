/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain C, always there; and the choice between the variants. */
#include "tiles.h"

#include <string.h>

#include "tiles_vector.h"

#define STRIP 16 /* columns summed together; the compiler keeps them in vectors of whatever there is */

static float upper_half(uint32_t word)
{
    word &= 0xFFFF0000u;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static void f32_strip(const uint32_t *a, const uint32_t *w, size_t words, float *sums)
{
    for (size_t word = 0; word < words; word++, w += VIT__PANEL) {
        float value, weights[STRIP];
        memcpy(&value, a + word, sizeof value);
        memcpy(weights, w, sizeof weights);
        for (int i = 0; i < STRIP; i++)
            sums[i] += value * weights[i];
    }
}

static void bf16_strip(const uint32_t *a, const uint32_t *w, size_t words, float *sums)
{
    for (size_t word = 0; word < words; word++, w += VIT__PANEL) {
        float first = upper_half(a[word] << 16), second = upper_half(a[word]);
        for (int i = 0; i < STRIP; i++)
            sums[i] += first * upper_half(w[i] << 16);
        for (int i = 0; i < STRIP; i++)
            sums[i] += second * upper_half(w[i]);
    }
}

static void int8_strip(const uint32_t *a, const uint32_t *w, size_t words, int32_t *sums)
{
    for (size_t word = 0; word < words; word++, w += VIT__PANEL)
        for (unsigned shift = 0; shift < 32; shift += 8) {
            int32_t value = (int32_t)(a[word] >> shift & 255u);
            for (int i = 0; i < STRIP; i++)
                sums[i] += value * (int8_t)(w[i] >> shift & 255u);
        }
}

/* The three functions differ in the type of their sums alone. */
#define DEFINE_MULTIPLY(name, type, strip)                                                                             \
    static void name(const vit__tile_call *call)                                                                      \
    {                                                                                                                  \
        for (size_t row = 0; row < call->rows; row++)                                                                  \
            for (size_t column = 0; column < (call->columns ? call->columns : VIT__PANEL); column += STRIP) {                                            \
                type sums[STRIP] = {0}, *out = (type *)call->out + row * call->out_stride + column;                    \
                strip((const uint32_t *)call->a + row * call->a_stride, (const uint32_t *)call->panel + column,        \
                      call->words, sums);                                                                              \
                for (int i = 0; i < STRIP; i++)                                                                        \
                    out[i] = call->add ? out[i] + sums[i] : sums[i];                                                   \
            }                                                                                                          \
    }

DEFINE_MULTIPLY(multiply_f32, float, f32_strip)
DEFINE_MULTIPLY(multiply_bf16, float, bf16_strip)
DEFINE_MULTIPLY(multiply_int8, int32_t, int8_strip)

vit__tiles vit__tiles_get(vit__cpu_level level)
{
    vit__tiles tiles = {"c", "c", "c", multiply_f32, multiply_bf16, multiply_int8};
#if defined(__x86_64__)
    if (level >= VIT__CPU_AVX2)
        tiles = vit__tiles_avx2;
    if (level >= VIT__CPU_AVX512)
        tiles = vit__tiles_avx512;
    if (level >= VIT__CPU_AVX512_VNNI) {
        tiles.int8_name = vit__tiles_avx512_vnni.int8_name;
        tiles.int8 = vit__tiles_avx512_vnni.int8;
    }
    if (level >= VIT__CPU_AVX512_BF16) {
        tiles.bf16_name = vit__tiles_avx512_bf16.bf16_name;
        tiles.bf16 = vit__tiles_avx512_bf16.bf16;
    }
#endif
    (void)level;
    return tiles;
}
