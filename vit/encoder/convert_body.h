/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between f32 and the types that are multiplied, included by kernels_body.h. Rows of activations become unsigned bytes
 * with a zero point of their own, x = scale * (byte - zero); rows of weights become signed bytes, w = scale * byte.
 * All rounding is to nearest, ties to even.
 */

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

static void to_bf16(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (uint16_t)bf16(x[i]);
}

static void pair_bf16(const float *even, const float *odd, size_t n, uint32_t *y)
{
    if (odd)
        for (size_t i = 0; i < n; i++)
            y[i] = bf16(even[i]) | bf16(odd[i]) << 16;
    else
        for (size_t i = 0; i < n; i++)
            y[i] = bf16(even[i]);
}

/* Zero is always one of the 256 values: it is what most of a GELU's outputs are near. A NaN or infinity in the row makes
 * the scale NaN, and with it the whole row of results. */
static void to_int8(const float *x, size_t n, uint8_t *y, vit__byte_scale *scale)
{
    float low[LANES] = {0}, high[LANES] = {0}, poison[LANES] = {0}, v[LANES];
    for (size_t i = 0; i < n; i += LANES) {
        load(v, x + i, n - i, 0.0f);
        for (int l = 0; l < LANES; l++) {
            low[l] = v[l] < low[l] ? v[l] : low[l];
            high[l] = v[l] > high[l] ? v[l] : high[l];
            poison[l] += v[l] * 0.0f;
        }
    }
    for (int l = 1; l < LANES; l++) {
        low[0] = low[l] < low[0] ? low[l] : low[0];
        high[0] = high[l] > high[0] ? high[l] : high[0];
    }
    float range = high[0] - low[0], inverse = range > 0.0f ? 255.0f / range : 0.0f;
    inverse = inverse < 3e38f ? inverse : 0.0f; /* a range so small that it counts as none */
    scale->scale = range / 255.0f + add_lanes(poison);
    scale->zero = rounded(-low[0] * inverse);
    float zero = (float)scale->zero;
    for (size_t i = 0; i < n; i += LANES) {
        load(v, x + i, n - i, 0.0f);
        uint8_t bytes[LANES];
        for (int l = 0; l < LANES; l++) {
            float level = v[l] * inverse + zero;
            level = level > 0.0f ? level : 0.0f; /* NaN too */
            level = level < 255.0f ? level : 255.0f;
            bytes[l] = (uint8_t)rounded(level);
        }
        memcpy(y + i, bytes, n - i < LANES ? n - i : LANES);
    }
}

/* -127 to 127; the largest magnitude decides. */
static float weights_to_int8(const float *w, size_t n, int8_t *y)
{
    float top[LANES] = {0}, poison[LANES] = {0}, v[LANES];
    for (size_t i = 0; i < n; i += LANES) {
        load(v, w + i, n - i, 0.0f);
        for (int l = 0; l < LANES; l++) {
            float magnitude = fabsf(v[l]);
            top[l] = magnitude > top[l] ? magnitude : top[l];
            poison[l] += v[l] * 0.0f;
        }
    }
    for (int l = 1; l < LANES; l++)
        top[0] = top[l] > top[0] ? top[l] : top[0];
    float inverse = top[0] > 0.0f ? 127.0f / top[0] : 0.0f;
    inverse = inverse < 3e38f ? inverse : 0.0f;
    for (size_t i = 0; i < n; i += LANES) {
        load(v, w + i, n - i, 0.0f);
        int8_t bytes[LANES];
        for (int l = 0; l < LANES; l++) {
            float level = v[l] * inverse;
            level = level > -127.0f ? level : -127.0f;
            level = level < 127.0f ? level : 127.0f;
            bytes[l] = (int8_t)rounded(level);
        }
        memcpy(y + i, bytes, n - i < LANES ? n - i : LANES);
    }
    return top[0] / 127.0f + add_lanes(poison);
}

static void from_int8(const int32_t *sums, const vit__byte_scale *row, const float *scales, const int32_t *weight_sums,
                      size_t n, float *y)
{
    int32_t zero = row->zero;
    float scale = row->scale;
    for (size_t i = 0; i < n; i++)
        y[i] = scale * scales[i] * (float)(sums[i] - zero * weight_sums[i]);
}
