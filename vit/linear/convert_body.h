/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between f32 and the types that are multiplied, included by kernels_body.h. Rows of activations become unsigned bytes
 * with a zero point of their own, x = scale * (byte - zero), but for the largest of each row (vit__byte_scale); rows of
 * weights become signed bytes, w = scale * byte.
 * All rounding is to nearest, ties to even.
 */
/* EACH is a loop, which clang-format cannot know. */
/* clang-format off */

/* In the low bits of 1.5 * 2^23 + x stands x rounded, for |x| < 2^22. */
static inline int32_t rounded(float x)
{
    float shifted = x + 12582912.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return bits - 0x4B400000;
}

static inline uint32_t bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t even = (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
    uint32_t nan = bits >> 16 | 0x40u; /* rounding could turn its payload into infinity */
    return (bits & 0x7FFFFFFFu) > 0x7F800000u ? nan : even;
}

static void to_bf16(const float *restrict x, size_t n, uint16_t *restrict y)
{
    EACH
        y[i] = (uint16_t)bf16(x[i]);
}

static void bf16_rest(const float *restrict x, size_t n, float *restrict y)
{
    EACH {
        uint32_t bits = bf16(x[i]) << 16;
        float high;
        memcpy(&high, &bits, sizeof high);
        y[i] = x[i] - high;
    }
}

static void pair_bf16(const float *restrict even, const float *restrict odd, size_t n, uint32_t *restrict y)
{
    if (odd)
        EACH
            y[i] = bf16(even[i]) | bf16(odd[i]) << 16;
    else
        EACH
            y[i] = bf16(even[i]);
}

#define UNITS_MAX 65536.0f

/* Where the largest magnitude is, the first of several. poison is NaN if there is a NaN or an infinity, else 0. */
static uint32_t first_largest(const float *x, size_t n, float *poison)
{
    int32_t top = 0;
    float sum = 0;
    _Pragma("omp simd reduction(max : top) reduction(+ : sum)")
    for (size_t i = 0; i < n; i++) {
        int32_t key = ordered(fabsf(x[i]));
        top = key > top ? key : top;
        sum += x[i] * 0.0f;
    }
    int32_t first = (int32_t)n - 1;
    _Pragma("omp simd reduction(min : first)")
    for (size_t i = 0; i < n; i++) {
        int32_t here = ordered(fabsf(x[i])) == top ? (int32_t)i : INT32_MAX;
        first = here < first ? here : first;
    }
    *poison = sum;
    return (uint32_t)first;
}

/* Zero is always one of the 256 values: it is what most of a GELU's outputs are near. A
 * NaN or infinity in the row makes the scale NaN, and with it the whole row of results. */
static void to_int8(const float *restrict x, size_t n, uint8_t *restrict y, vit__byte_scale *scale)
{
    *scale = (vit__byte_scale){0};
    if (n == 0)
        return;
    float poison = 0;
    uint32_t largest = first_largest(x, n, &poison);
    int32_t top = 0, bottom = 0; /* of zero, and of the others */
    _Pragma("omp simd reduction(max : top) reduction(min : bottom)")
    for (size_t i = 0; i < n; i++) {
        int32_t key = (int32_t)i == (int32_t)largest ? 0 : ordered(x[i]);
        top = key > top ? key : top;
        bottom = key < bottom ? key : bottom;
    }
    float high = from_ordered(top), low = -from_ordered(bottom), range = high + low;
    float least = fabsf(x[largest]) * (255.0f / UNITS_MAX); /* so that the largest is UNITS_MAX units or fewer */
    range = range > least ? range : least;
    float inverse = range > 0.0f ? 255.0f / range : 0.0f;
    inverse = inverse < 3e38f ? inverse : 0.0f; /* a range so small that it counts as none */
    scale->scale = range / 255.0f + poison;
    scale->zero = rounded(low * inverse);
    scale->largest = largest;
    scale->units = poison == 0.0f ? rounded(x[largest] * inverse) : 0;
    float zero = (float)scale->zero;
    EACH {
        float level = x[i] * inverse + zero;
        level = level > 0.0f ? level : 0.0f; /* NaN too */
        level = level < 255.0f ? level : 255.0f;
        y[i] = (uint8_t)rounded(level);
    }
    y[largest] = (uint8_t)scale->zero;
}

/* -127 to 127; the largest magnitude decides. */
static float weights_to_int8(const float *restrict w, size_t n, int8_t *restrict y)
{
    int32_t key = 0;
    float poison = 0;
    EACH_MAX(key)
        key = ordered(fabsf(w[i])) > key ? ordered(fabsf(w[i])) : key;
    EACH_SUM(poison)
        poison += w[i] * 0.0f;
    float top = from_ordered(key);
    float inverse = top > 0.0f ? 127.0f / top : 0.0f;
    inverse = inverse < 3e38f ? inverse : 0.0f;
    EACH {
        float level = w[i] * inverse;
        level = level > -127.0f ? level : -127.0f;
        level = level < 127.0f ? level : 127.0f;
        y[i] = (int8_t)rounded(level);
    }
    return top / 127.0f + poison;
}
