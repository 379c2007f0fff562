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

/* The largest and the smallest of some values and of zero, as ordered() has them. */
typedef struct extremes {
    int32_t top, bottom;
} extremes;

static extremes extremes_of(extremes so_far, const float *x, size_t n)
{
    int32_t top = so_far.top, bottom = so_far.bottom;
    _Pragma("omp simd reduction(max : top) reduction(min : bottom)")
    for (size_t i = 0; i < n; i++) {
        int32_t key = ordered(x[i]);
        top = key > top ? key : top;
        bottom = key < bottom ? key : bottom;
    }
    return (extremes){top, bottom};
}

/* Of both, as ordered() has it. */
static int32_t larger_magnitude(extremes of)
{
    int32_t below = ordered(fabsf(from_ordered(of.bottom)));
    return of.top > below ? of.top : below;
}

/* The first value of this magnitude, which there is. */
static size_t first_of(int32_t magnitude, const float *x, size_t n)
{
    enum { STRIDE = 64 };
    size_t first = 0;
    for (int32_t found = 0; first + STRIDE < n; first += STRIDE) {
        _Pragma("omp simd reduction(| : found)")
        for (size_t i = 0; i < STRIDE; i++)
            found |= ordered(fabsf(x[first + i])) == magnitude;
        if (found)
            break;
    }
    while (first + 1 < n && ordered(fabsf(x[first])) != magnitude)
        first++;
    return first;
}

/* y = the whole number nearest to factor * x + offset, but not below 0 or above 255. Limits are put on whole numbers:
 * GCC 12 makes four comparisons and masks of two limits on a float that may be NaN. */
static void to_levels(const float *restrict x, size_t n, float factor, float offset, uint8_t *restrict y)
{
    EACH {
        int32_t level = rounded(x[i] * factor + offset);
        level = level > 0 ? level : 0;
        level = level < 255 ? level : 255;
        y[i] = (uint8_t)level;
    }
}

/* Zero is always one of the 256 values: it is what most of a GELU's outputs are near. A
 * NaN or infinity in the row makes the scale NaN, and with it the whole row of results. */
static void to_int8(const float *restrict x, size_t n, uint8_t *restrict y, vit__byte_scale *scale)
{
    *scale = (vit__byte_scale){0};
    if (n == 0)
        return;
    const int32_t magnitude = larger_magnitude(extremes_of((extremes){0}, x, n));
    const bool finite = magnitude < ordered(INFINITY);
    const size_t largest = first_of(magnitude, x, n);
    extremes others = extremes_of((extremes){0}, x, largest);
    others = extremes_of(others, x + largest + 1, n - largest - 1);
    float high = from_ordered(others.top), low = -from_ordered(others.bottom), range = high + low;
    float least = fabsf(x[largest]) * (255.0f / UNITS_MAX); /* so that the largest is UNITS_MAX units or fewer */
    range = range > least ? range : least;
    float inverse = range > 0.0f ? 255.0f / range : 0.0f;
    inverse = inverse < 3e38f ? inverse : 0.0f; /* a range so small that it counts as none */
    scale->scale = finite ? range / 255.0f : NAN;
    scale->zero = rounded(low * inverse);
    scale->largest = (uint32_t)largest;
    scale->units = finite ? rounded(x[largest] * inverse) : 0;
    to_levels(x, n, inverse, (float)scale->zero, y);
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
        int32_t level = rounded(w[i] * inverse);
        level = level > -127 ? level : -127;
        level = level < 127 ? level : 127;
        y[i] = (int8_t)level;
    }
    return top / 127.0f + poison;
}
