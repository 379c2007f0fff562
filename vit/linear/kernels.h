/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small loops of the encoder. There is one body in plain C (kernels_body.h), which is compiled once for each
 * instruction set. A session chooses its table of kernels when it is created. What a kernel computes for an element
 * depends on the element's own row and nothing else. Pointers need no alignment beyond a float's.
 */
#ifndef VIT_KERNELS_H
#define VIT_KERNELS_H

#include <stdint.h>

#include "config.h"
#include "cpu.h"
#include "tiles.h"

/* One row of a linear layer's epilogue. */
typedef struct vit__epilogue_row {
    vit__activation activation;
    const float *bias;     /* [n] or NULL for 0 */
    const float *scale;    /* [n] or NULL for 1 */
    const float *residual; /* [n] or NULL for 0; may be the destination */
} vit__epilogue_row;

/*
 * What the bytes of a row of activations stand for: x = scale * (byte - zero), 0 <= zero <= 255. The value of the
 * largest magnitude stands aside: its byte is zero, and x[largest] = scale * units. A few channels of a trained model
 * are ten or a hundred times as large as the others (Dettmers et al. 2022, LLM.int8()); without them the others have
 * finer steps.
 *
 * Example: {1, -2, 300, 2} has scale 4 / 255 and zero 128, largest 2 and units 19125. The bytes are 192, 0, 128,
 * 255. */
typedef struct vit__byte_scale {
    float scale;
    int32_t zero;
    uint32_t largest;
    int32_t units; /* -65536 to 65536 */
} vit__byte_scale;

/* What place i of a row of bytes stands for, in units of scale->scale. In the example place 0 is 192 - 128 = 64 units,
 * 64 * 4 / 255 = 1.004, and place 2 is 19125 units, 300. */
static inline int32_t vit__byte_units(const vit__byte_scale *scale, const uint8_t *bytes, size_t i)
{
    return i == scale->largest ? scale->units : (int32_t)bytes[i] - scale->zero;
}

/* The values that belong to the columns of a panel, or to some of them: arrays of `width`. */
typedef struct vit__panel_columns {
    size_t width; /* VIT__PANEL or VIT__HANDED */
    vit__activation activation;
    bool rough; /* a GELU may be off by 1e-4, since the result will be rounded to bf16 or int8 anyway */
    const float *bias;
    const float *scale;       /* or NULL for 1 */
    const float *byte_scales; /* int8: weight = scale * byte, for each column */
    const int32_t *byte_sums; /* int8: the sum of each column's bytes */
    const uint32_t *words;    /* int8: the panel, [words][VIT__PANEL], from the first of these columns on */
} vit__panel_columns;

/* Sums of rows with these columns, and where the results go. */
typedef struct vit__panel_rows {
    size_t rows;
    float *sums;                        /* [rows][width], which for int8 holds int32_t; overwritten */
    const vit__byte_scale *byte_scales; /* int8: for each row; else NULL */
    const float *residual;              /* rows residual_stride apart, or NULL for 0; may be y */
    size_t residual_stride;
    float *y; /* may be sums, if rows are as far apart */
    size_t y_stride;
} vit__panel_rows;

typedef struct vit__kernels {
    const char *name;
    /* y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias over n values, variance by n (Ba et al. 2016). y may be x;
     * bias may be NULL. */
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float eps, size_t n, float *y);
    /* y = x / sqrt(mean(x^2) + eps) * weight (Zhang & Sennrich 2019); bias,
     * as layer_norm's, is for uniformity: NULL, or added. y may be x. */
    void (*rms_norm)(const float *x, const float *weight, const float *bias, float eps, size_t n, float *y);
    /* x = exp(x - max(x)) / sum in place. */
    void (*softmax)(float *x, size_t n);
    /* One step of a softmax that sees its values in pieces. With top' = max(top, scale * x) and f = exp(top - top'):
     * x = exp(scale * x - top') in place, total = total * f + sum(x), top = top'. Answers f: sums that were made of
     * earlier pieces must be multiplied by it. Start with top = -infinity and total = 0; f is then 0. */
    float (*exponentials)(float *x, size_t n, float scale, float *top, float *total);
    /* x = 1 / (1 + exp(-x)) in place. */
    void (*sigmoid)(float *x, size_t n);
    /* y = residual + scale * act(x + bias). y must not overlap x. */
    void (*epilogue)(const float *x, const vit__epilogue_row *row, size_t n, float *y);
    /* y = act(gate) * up; y may be gate or up. */
    void (*gate)(const float *gate, const float *up, vit__activation activation, size_t n, float *y);
    /* Turns the pairs of a head of n values in place by the angles of cosines[n] and sines[n]: pairs (i, i + n/2) where
     * half, else (2i, 2i+1). */
    void (*rotate)(const float *cosines, const float *sines, bool half, size_t n, float *x);
    /* y = factor * x; y may be x */
    void (*scale)(const float *x, float factor, size_t n, float *y);
    /* sum += x */
    void (*accumulate)(const float *x, size_t n, float *sum);
    /* y = x as bfloat16. */
    void (*to_bf16)(const float *x, size_t n, uint16_t *y);
    /* y = x - (x as bfloat16): what is left, which a second bfloat16 holds to 16 bits of x in all. */
    void (*bf16_rest)(const float *x, size_t n, float *y);
    /* y = pairs of bfloat16: even in the lower half, odd (NULL: zeros) in the upper. */
    void (*pair_bf16)(const float *even, const float *odd, size_t n, uint32_t *y);
    /* y = x as bytes that span the row's range, zero included. */
    void (*to_int8)(const float *x, size_t n, uint8_t *y, vit__byte_scale *scale);
    /* y = w as signed bytes. Answers the scale: w = scale * y. */
    float (*weights_to_int8)(const float *w, size_t n, int8_t *y);
    /* y = residual + scale * act(x + bias). x is a sum of f32 or bf16 as it is; of a sum of bytes it is
     * row scale * column scale * (sum - row zero * column sum). */
    void (*finish)(const vit__panel_columns *columns, const vit__panel_rows *rows);
} vit__kernels;

const vit__kernels *vit__kernels_get(unsigned flags);

#endif
