/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formula is that of Pillow's Resample.c (precompute_coeffs), the rounding to 16 bits that of PyTorch's
 * UpSampleKernelAVXAntialias.h, the float weights those of its UpSampleKernel.cpp. Products are never fused into sums
 * (-ffp-contract=off): a weight on the edge of rounding would tip over.
 */
#include "resize_weights.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "memory.h"

#define PILLOW_BITS 22 /* 32 - 8 bits of a pixel - 2 bits of room for overshoot */
#define PI 3.14159265358979323846

static double sinc(double x)
{
    return x == 0.0 ? 1.0 : sin(x * PI) / (x * PI);
}

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0)
        return 1.0;
    if (x >= 1.0)
        return 0.0;
    x *= PI;
    return sin(x) / x * ((double)0.54f + (double)0.46f * cos(x)); /* Pillow writes them as floats, and it shows */
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

typedef struct filter_row {
    double (*weight)(double x);
    double support; /* half the width, in output samples when shrinking */
} filter_row;

static const filter_row filters[] = {
    [VIT_FILTER_LANCZOS] = {lanczos, 3.0}, [VIT_FILTER_BILINEAR] = {bilinear, 1.0},
    [VIT_FILTER_BICUBIC] = {bicubic, 2.0}, [VIT_FILTER_BOX] = {box, 0.5},
    [VIT_FILTER_HAMMING] = {hamming, 1.0},
};

/* The input samples [first, last) of one output, and what its weights are made of. */
typedef struct window {
    uint32_t first, last;
    double center, inverse; /* filter argument = (input + 0.5 - center) * inverse, as the kind rounds it */
} window;

static uint32_t clamp_index(double x, uint32_t in)
{
    return x <= 0 ? 0 : x >= (double)in ? in : (uint32_t)x;
}

static window window_double(const vit__axis *axis, size_t output)
{
    double scale = (double)axis->in / axis->out, stretch = scale > 1.0 ? scale : 1.0;
    double support = filters[axis->filter].support * stretch, center = ((double)output + 0.5) * scale;
    return (window){clamp_index(center - support + 0.5, axis->in), clamp_index(center + support + 0.5, axis->in),
                    center, 1.0 / stretch};
}

static window window_float(const vit__axis *axis, size_t output)
{
    float scale = (float)axis->in / (float)axis->out, stretch = scale >= 1.0f ? scale : 1.0f;
    float support = (float)filters[axis->filter].support * stretch, center = scale * ((float)output + 0.5f);
    return (window){clamp_index((double)(center - support + 0.5f), axis->in),
                    clamp_index((double)(center + support + 0.5f), axis->in), (double)center, (double)(1.0f / stretch)};
}

static window window_of(const vit__axis *axis, size_t output)
{
    window w = axis->kind == VIT__WEIGHTS_TORCH_FLOAT ? window_float(axis, output) : window_double(axis, output);
    if (w.first >= axis->in) /* only where the axis is too long for a float to count it */
        w.first = axis->in - 1;
    if (w.last <= w.first)
        w.last = w.first + 1;
    if (w.last - w.first > axis->window)
        w.last = w.first + (uint32_t)axis->window;
    return w;
}

static double raw_weight(const vit__axis *axis, const window *w, uint32_t input)
{
    double (*weight)(double) = filters[axis->filter].weight;
    if (axis->kind == VIT__WEIGHTS_TORCH_FLOAT)
        return (double)(float)weight((double)(((float)input - (float)w->center + 0.5f) * (float)w->inverse));
    return weight(((double)input - w->center + 0.5) * w->inverse);
}

/* The largest normalised weight of the axis. */
static double largest_weight(const vit__axis *axis)
{
    double largest = 0.0;
    for (size_t output = 0; output < axis->out; output++) {
        window w = window_of(axis, output);
        double total = 0.0, peak = 0.0;
        for (uint32_t input = w.first; input < w.last; input++) {
            double weight = raw_weight(axis, &w, input);
            total += weight;
            peak = fmax(peak, weight);
        }
        largest = fmax(largest, total != 0.0 ? peak / total : peak); /* dividing keeps the order */
    }
    return largest;
}

/* The largest number of bits, up to 22, with which the largest weight stays in a signed 16-bit integer. */
static unsigned int16_bits(double largest)
{
    unsigned bits = 0;
    while (bits < PILLOW_BITS && 0.5 + largest * (double)(1 << (bits + 1)) < 32768.0)
        bits++;
    return bits;
}

void vit__axis_init(vit__axis *axis, uint32_t in, uint32_t out, vit_filter filter, vit__weight_kind kind)
{
    *axis = (vit__axis){.in = in, .out = out, .filter = filter, .kind = kind, .bits = PILLOW_BITS};
    double scale = (double)in / out, stretch = scale > 1.0 ? scale : 1.0;
    double widest = 2.0 * filters[filter].support * stretch + 2.0; /* both ends may round outwards */
    axis->window = widest < (double)in ? (size_t)widest : in;
    if (kind == VIT__WEIGHTS_TORCH_INT16)
        axis->bits = int16_bits(largest_weight(axis));
}

static size_t stride_of(const vit__axis *axis)
{
    return (axis->window + VIT__TAPS_STEP - 1) / VIT__TAPS_STEP * VIT__TAPS_STEP;
}

size_t vit__axis_taps_bytes(const vit__axis *axis)
{
    return stride_of(axis) * sizeof(float) + 2 * sizeof(uint32_t); /* two 16-bit halves are as long as a float */
}

static void fill_float(vit__taps *taps, const double *raw, double total, size_t i)
{
    for (uint32_t k = 0; k < taps->count[i]; k++)
        taps->weight[i * taps->stride + k] = total != 0.0 ? (float)raw[k] / (float)total : (float)raw[k];
}

static void fill_integer(vit__taps *taps, const double *raw, double total, size_t i)
{
    double unit = (double)(1 << taps->bits);
    for (uint32_t k = 0; k < taps->count[i]; k++) {
        double weight = total != 0.0 ? raw[k] / total : raw[k];
        int32_t fixed = (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * unit);
        int32_t low = taps->wide ? fixed & ((1 << VIT__LOW_BITS) - 1) : 0;
        /* Divided, not shifted: a shift of a negative number is the compiler's business. */
        taps->high[i * taps->stride + k] = (int16_t)(taps->wide ? (fixed - low) / (1 << VIT__LOW_BITS) : fixed);
        taps->low[i * taps->stride + k] = (int16_t)low;
    }
}

/* Window and weights of output i of the table; raw has room for the longest window. */
static void fill(vit__taps *taps, const vit__axis *axis, size_t i, double *raw)
{
    window w = window_of(axis, taps->begin + i);
    bool floats = axis->kind == VIT__WEIGHTS_TORCH_FLOAT;
    double total = 0.0;
    taps->first[i] = w.first - taps->origin;
    taps->count[i] = w.last - w.first;
    taps->inputs = w.last - taps->origin;
    for (uint32_t k = 0; k < taps->count[i]; k++) {
        raw[k] = raw_weight(axis, &w, w.first + k);
        total = floats ? (double)((float)total + (float)raw[k]) : total + raw[k];
    }
    if (floats)
        fill_float(taps, raw, total, i);
    else
        fill_integer(taps, raw, total, i);
}

vit_status vit__taps_init(vit__taps *taps, const vit__axis *axis, size_t begin, size_t n, vit_error *err)
{
    *taps = (vit__taps){.begin = begin,
                        .n = n,
                        .stride = stride_of(axis),
                        .bits = axis->bits,
                        .wide = axis->kind == VIT__WEIGHTS_PILLOW};
    double *raw = vit__alloc(axis->window, sizeof *raw);
    uint32_t *memory = raw ? vit__alloc_zero(n, vit__axis_taps_bytes(axis)) : NULL;
    if (!memory) {
        free(raw);
        return vit__fail_memory(err, NULL);
    }
    taps->memory = memory;
    taps->first = memory;
    taps->count = memory + n;
    void *weights = memory + 2 * n;
    if (axis->kind == VIT__WEIGHTS_TORCH_FLOAT) {
        taps->weight = weights;
    } else {
        taps->high = weights;
        taps->low = taps->high + n * taps->stride;
    }
    taps->origin = window_of(axis, begin).first;
    for (size_t i = 0; i < n; i++)
        fill(taps, axis, i, raw);
    free(raw);
    return VIT_OK;
}

void vit__taps_free(vit__taps *taps)
{
    free(taps->memory);
    *taps = (vit__taps){0};
}

/* Pillow adds the step up; the sum drifts, and so must ours. */
static void nearest_pillow(uint32_t in, uint32_t out, uint32_t begin, uint32_t n, uint32_t *indices)
{
    double step = (double)in / out, position = step * 0.5;
    for (uint32_t i = 0; i < begin + n; i++, position += step)
        if (i >= begin)
            indices[i - begin] = position < (double)in ? (uint32_t)position : in - 1;
}

/* "nearest-exact", which transformers takes for PIL's nearest. */
static void nearest_torch(uint32_t in, uint32_t out, uint32_t begin, uint32_t n, uint32_t *indices)
{
    float scale = (float)in / (float)out;
    for (uint32_t i = 0; i < n; i++) {
        float position = floorf((float)(((double)(begin + i) + 0.5) * (double)scale));
        indices[i] = position < (float)in ? (uint32_t)position : in - 1;
    }
}

void vit__nearest_indices(uint32_t in, uint32_t out, bool torchvision, uint32_t begin, uint32_t n, uint32_t *indices)
{
    if (torchvision)
        nearest_torch(in, out, begin, n, indices);
    else
        nearest_pillow(in, out, begin, n, indices);
}
