/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of one axis of a resize: for each output sample a window of input samples and one weight for each.
 * Pillow, torchvision on 8-bit tensors and torchvision on float tensors share the formula and differ in how they round
 * the weights.
 */
#ifndef VIT_RESIZE_WEIGHTS_H
#define VIT_RESIZE_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vit/vit.h"

typedef enum vit__weight_kind {
    VIT__WEIGHTS_PILLOW,      /* 22 fractional bits */
    VIT__WEIGHTS_TORCH_INT16, /* as many fractional bits as the largest weight of the axis leaves in 16 */
    VIT__WEIGHTS_TORCH_FLOAT
} vit__weight_kind;

/* One axis of a resize. Filled by vit__axis_init. */
typedef struct vit__axis {
    uint32_t in, out;
    vit_filter filter; /* not nearest */
    vit__weight_kind kind;
    unsigned bits; /* fractional bits of the integer weights */
    size_t window; /* no window is longer */
} vit__axis;

/* A whole weight is high * 2^VIT__LOW_BITS + low: halves that fit the 16-bit multipliers of SIMD. */
#define VIT__LOW_BITS 11

/* Windows are padded with weights of zero to a multiple of this, so that kernels need no remainder loop. */
#define VIT__TAPS_STEP 8

/* The weights of the outputs [begin, begin + n) of an axis. Each weight array is [n][stride]. */
typedef struct vit__taps {
    size_t begin, n, stride;
    uint32_t *first, *count; /* [n] the windows; first counts from `origin` */
    uint32_t origin;         /* the input sample that `first` 0 means */
    uint32_t inputs;         /* input samples from origin to the end of the last window */
    unsigned bits;
    bool wide;           /* some `low` is not zero */
    int16_t *high, *low; /* integer kinds */
    float *weight;       /* float kind */
    void *memory;
} vit__taps;

/* Looks at every window (for the fractional bits of VIT__WEIGHTS_TORCH_INT16); allocates nothing. */
void vit__axis_init(vit__axis *axis, uint32_t in, uint32_t out, vit_filter filter, vit__weight_kind kind);

/* Bytes that an output of this axis takes in a vit__taps. */
size_t vit__axis_taps_bytes(const vit__axis *axis);

/* The weights of outputs [begin, begin + n). Free with vit__taps_free. */
vit_status vit__taps_init(vit__taps *taps, const vit__axis *axis, size_t begin, size_t n, vit_error *err);
void vit__taps_free(vit__taps *taps);

/* The input sample of each of the outputs [begin, begin + n) when the filter is VIT_FILTER_NEAREST. */
void vit__nearest_indices(uint32_t in, uint32_t out, bool torchvision, uint32_t begin, uint32_t n, uint32_t *indices);

#endif
