/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernels themselves, included by kernels*.c, which define KERNELS_SYMBOL and KERNELS_NAME. Plain loops, which
 * compilers turn into vectors of whatever width the file is compiled for (the OpenMP pragmas allow it: -fopenmp-simd,
 * no library). A sum's order depends on its length alone, so that a row's result never depends on its surroundings.
 */
/* EACH is a loop, which clang-format cannot know. */
/* clang-format off */
#include <math.h>
#include <string.h>

#include "kernels.h"

#define EACH _Pragma("omp simd") for (size_t i = 0; i < n; i++)
#define EACH_SUM(sum) _Pragma(TEXT(omp simd reduction(+ : sum))) for (size_t i = 0; i < n; i++)
#define EACH_MAX(top) _Pragma(TEXT(omp simd reduction(max : top))) for (size_t i = 0; i < n; i++)
#define TEXT(x) #x

/* Whole numbers in the order of the floats they are made from, and back: their
 * maximum is one that every compiler finds in vectors (a float's has to mind NaN). */
static inline int32_t ordered(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
}

static inline float from_ordered(int32_t key)
{
    int32_t bits = key < 0 ? key ^ 0x7FFFFFFF : key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for whole -126 <= n <= 127, from the bits of n + 1.5 * 2^23. */
static inline float power_of_two(float shifted)
{
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (int32_t)((uint32_t)(bits - 0x4B400000 + 127) << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* e^x to about one unit in the last place for -87 <= x <= 88; clamps outside, keeps NaN. Range reduction by Cody and
 * Waite: x = n ln 2 + r; e^r by a polynomial of degree 6, minimax in relative error (1.9e-9) on |r| <= ln(2)/2. */
static inline float exponential(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 0.0013836835f;
    p = p * r + 0.0083748242f;
    p = p * r + 0.041668225f;
    p = p * r + 0.16666420f;
    p = p * r + 0.49999991f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * power_of_two(shifted);
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + exponential(-x));
}

/* x * Phi(x). The tail Phi(-|x|) = erfc(z)/2, z = |x|/sqrt 2, erfc(z) = t P(t) exp(-z^2), t = 1 / (1 + 0.35 z);
 * P fitted for least absolute error of erfc (3e-12 in exact arithmetic). */
static inline float gelu(float x)
{
    float magnitude = fabsf(x);
    float t = 1.0f / (1.0f + 0.247487373f * magnitude);
    float p = -0.0228227004f;
    p = p * t + 0.237780616f;
    p = p * t - 0.955246568f;
    p = p * t + 1.86365354f;
    p = p * t - 1.92805994f;
    p = p * t + 1.57248795f;
    p = p * t - 0.520117164f;
    p = p * t + 0.390541822f;
    p = p * t + 0.161520079f;
    p = p * t + 0.200262323f;
    float tail = 0.5f * t * p * exponential(-0.5f * x * x);
    return x * (x < 0.0f ? tail : 1.0f - tail);
}

/* tanh(x) = 2 sigmoid(2x) - 1: absolute, not relative, accuracy near zero, which is all that its uses need: it is
 * added to one, or is an output compared by absolute error. */
static inline float hyperbolic_tangent(float x)
{
    return 2.0f * sigmoid(2.0f * x) - 1.0f;
}

/* 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
static inline float gelu_tanh(float x)
{
    return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
}

/* min(|x|, limit), by the bits of floats: of a NaN it is the limit. */
static inline float smaller_magnitude(float x, float limit)
{
    int32_t key = ordered(fabsf(x)), most = ordered(limit);
    return from_ordered(key < most ? key : most);
}

/* GELUs for results of low precision: x (1/2 + h(x)), h odd, by a polynomial in x^2 for |x| <= 4.2, fitted for least
 * absolute error of the product (2e-5; 6e-5 at |x| = 8, where h is taken as at 4.2). */
static inline float rough(float x, const float p[9])
{
    float c = copysignf(smaller_magnitude(x, 4.2f), x), u = c * c, h = p[8];
    for (int i = 7; i >= 0; i--)
        h = h * u + p[i];
    return x * (0.5f + c * h);
}

static inline float rough_gelu(float x)
{
    static const float p[9] = {0.398834563f,    -0.0662220462f, 0.00974091887f,   -0.00108645186f, 8.98346241e-05f,
                               -5.2894235e-06f, 2.07238939e-07f, -4.79537532e-09f, 4.92342767e-11f};
    return rough(x, p);
}

static inline float rough_gelu_tanh(float x)
{
    static const float p[9] = {0.398807214f,     -0.0664932051f,  0.00993285707f,   -0.0011379887f, 9.71775283e-05f,
                               -5.90217841e-06f, 2.37414588e-07f, -5.60958018e-09f, 5.85293295e-11f};
    return rough(x, p);
}

static inline float quick_gelu(float x)
{
    return x * sigmoid(1.702f * x);
}

static inline float silu(float x)
{
    return x * sigmoid(x);
}

static inline float relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

static void layer_norm(const float *x, const float *weight, const float *bias, float eps, size_t n, float *y)
{
    float sum = 0, squares = 0;
    EACH_SUM(sum)
        sum += x[i];
    float mean = sum / (float)n;
    EACH_SUM(squares)
        squares += (x[i] - mean) * (x[i] - mean);
    float inverse = 1.0f / sqrtf(squares / (float)n + eps);
    if (bias)
        EACH
            y[i] = (x[i] - mean) * inverse * weight[i] + bias[i];
    else
        EACH
            y[i] = (x[i] - mean) * inverse * weight[i];
}

static void rms_norm(const float *x, const float *weight, const float *bias, float eps, size_t n, float *y)
{
    float squares = 0;
    EACH_SUM(squares)
        squares += x[i] * x[i];
    float inverse = 1.0f / sqrtf(squares / (float)n + eps);
    if (bias)
        EACH
            y[i] = x[i] * inverse * weight[i] + bias[i];
    else
        EACH
            y[i] = x[i] * inverse * weight[i];
}

static float exponentials(float *x, size_t n, float scale, float *top, float *total)
{
    int32_t key = ordered(-INFINITY);
    float sum = 0;
    EACH_MAX(key)
        key = ordered(x[i]) > key ? ordered(x[i]) : key;
    float largest = from_ordered(key) * scale;
    largest = largest > *top ? largest : *top;
    float before = *top > -INFINITY ? exponential(*top - largest) : 0.0f;
    EACH_SUM(sum) {
        x[i] = exponential(x[i] * scale - largest);
        sum += x[i];
    }
    *top = largest;
    *total = *total * before + sum;
    return before;
}

static void softmax(float *x, size_t n)
{
    float top = -INFINITY, total = 0;
    exponentials(x, n, 1.0f, &top, &total);
    float factor = 1.0f / total;
    EACH
        x[i] *= factor;
}

static inline float identity(float x)
{
    return x;
}

/* DO(function) in the case of each activation: one loop per activation, so that each is straight-line code. */
#define EACH_ACTIVATION(DO)                                                                                            \
    case VIT__ACTIVATION_NONE:                                                                                         \
        DO(identity)                                                                                                   \
        break;                                                                                                         \
    case VIT__ACTIVATION_GELU:                                                                                         \
        DO(gelu)                                                                                                       \
        break;                                                                                                         \
    case VIT__ACTIVATION_GELU_TANH:                                                                                    \
        DO(gelu_tanh)                                                                                                  \
        break;                                                                                                         \
    case VIT__ACTIVATION_QUICK_GELU:                                                                                   \
        DO(quick_gelu)                                                                                                 \
        break;                                                                                                         \
    case VIT__ACTIVATION_RELU:                                                                                         \
        DO(relu)                                                                                                       \
        break;                                                                                                         \
    case VIT__ACTIVATION_SILU:                                                                                         \
        DO(silu)                                                                                                       \
        break;                                                                                                         \
    case VIT__ACTIVATION_TANH:                                                                                         \
        DO(hyperbolic_tangent)                                                                                         \
        break;                                                                                                         \
    case VIT__ACTIVATION_SIGMOID:                                                                                      \
        DO(sigmoid)                                                                                                    \
        break;

#define ACTIVATE(function)                                                                                             \
    if (bias)                                                                                                          \
        EACH                                                                                                           \
            y[i] = function(x[i] + bias[i]);                                                                           \
    else                                                                                                               \
        EACH                                                                                                           \
            y[i] = function(x[i]);

/* y = act(x + bias) */
static void activate(const float *restrict x, const float *restrict bias, vit__activation activation, size_t n,
                     float *restrict y)
{
    switch (activation) {
        EACH_ACTIVATION(ACTIVATE)
    }
}

#define ONES_4 1, 1, 1, 1
#define ONES_16 ONES_4, ONES_4, ONES_4, ONES_4
#define ONES_64 ONES_16, ONES_16, ONES_16, ONES_16
#define ONES_256 ONES_64, ONES_64, ONES_64, ONES_64

#define CHUNK 256 /* values that go through a small buffer, where the destination may be a source */

static void gate(const float *gate, const float *up, vit__activation activation, size_t n, float *y)
{
    float opened[CHUNK];
    for (size_t done = 0, left = n; done < left; done += CHUNK) {
        n = left - done < CHUNK ? left - done : CHUNK;
        activate(gate + done, NULL, activation, n, opened);
        EACH
            y[done + i] = opened[i] * up[done + i];
    }
}

static void rotate(const float *cosines, const float *sines, bool half, size_t n, float *x)
{
    size_t step = half ? 1 : 2, apart = half ? n / 2 : 1;
    for (size_t i = 0; i < n / 2; i++) {
        float *first = x + i * step, *second = first + apart;
        float a = *first, b = *second;
        *first = a * cosines[i * step] - b * sines[i * step];
        *second = b * cosines[i * step + apart] + a * sines[i * step + apart];
    }
}

/* y = residual + scale * (x + bias); y may be the residual. */
static void add_branch(const float *x, const vit__epilogue_row *row, size_t n, float *y)
{
    const float *bias = row->bias, *scale = row->scale, *residual = row->residual;
    EACH
        y[i] = residual[i] + scale[i] * (x[i] + bias[i]);
}

static void epilogue(const float *x, const vit__epilogue_row *row, size_t n, float *y)
{
    static const float zeros[CHUNK], ones[CHUNK] = {ONES_256};
    bool active = row->activation != VIT__ACTIVATION_NONE;
    if (!row->residual && !row->scale) {
        activate(x, row->bias, row->activation, n, y);
        return;
    }
    float branch[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        const float *bias = row->bias ? row->bias + i : NULL, *from = x + i;
        if (active) {
            activate(from, bias, row->activation, m, branch);
            from = branch;
        }
        vit__epilogue_row rest = {.bias = bias && !active ? bias : zeros,
                                  .scale = row->scale ? row->scale + i : ones,
                                  .residual = row->residual ? row->residual + i : zeros};
        add_branch(from, &rest, m, y + i);
    }
}

static void sigmoid_all(float *x, size_t n)
{
    EACH
        x[i] = sigmoid(x[i]);
}

static void scale(const float *x, float factor, size_t n, float *y)
{
    EACH
        y[i] = x[i] * factor;
}

static void accumulate(const float *x, size_t n, float *sum)
{
    EACH
        sum[i] += x[i];
}

#include "convert_body.h"
#include "finish_body.h"

const vit__kernels KERNELS_SYMBOL = {
    .name = KERNELS_NAME,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .softmax = softmax,
    .exponentials = exponentials,
    .sigmoid = sigmoid_all,
    .epilogue = epilogue,
    .gate = gate,
    .rotate = rotate,
    .scale = scale,
    .accumulate = accumulate,
    .to_bf16 = to_bf16,
    .bf16_rest = bf16_rest,
    .pair_bf16 = pair_bf16,
    .to_int8 = to_int8,
    .weights_to_int8 = weights_to_int8,
    .finish = finish,
};
