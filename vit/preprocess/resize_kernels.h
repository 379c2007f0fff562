/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two inner loops of a resize, for 8-bit samples (in plain C and per instruction set, all with the same bits) and
 * for float samples. Pixels are interleaved RGB.
 */
#ifndef VIT_RESIZE_KERNELS_H
#define VIT_RESIZE_KERNELS_H

#include "cpu.h"
#include "resize_weights.h"

/* Bytes past the end of an input row that `horizontal` may read (and ignore), and past its output that it may write. */
#define VIT__ROW_SLACK 32

typedef struct vit__resize_kernels {
    const char *name;
    size_t sample_size; /* bytes */

    /* out[taps->n] pixels from row[taps->inputs] pixels; row begins at pixel taps->origin. */
    void (*horizontal)(const vit__taps *taps, const void *row, void *out);

    /* out[n] = sum over k of weight k of output i of taps * rows[k][n], for the taps->count[i] rows of its window;
     * rows[count[i]] can be read too (any row). n counts samples. */
    void (*vertical)(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out);
} vit__resize_kernels;

const vit__resize_kernels *vit__resize_kernels_get(unsigned flags); /* of cpu.h */

/* Those of this processor, if they give the same bytes as plain C on a few pixels, which is looked at once in a process
 * (some microseconds); else plain C. Any thread may call it. */
const vit__resize_kernels *vit__resize_kernels_here(void);

/* What vit__resize_kernels_here left out, for people; NULL: nothing. Static storage. */
const char *vit__resize_left_out(void);

extern const vit__resize_kernels vit__resize_kernels_float;

extern const vit__resize_kernels vit__resize_kernels_c, vit__resize_kernels_avx2, vit__resize_kernels_avx512,
    vit__resize_kernels_neon;

/* For the remainders of the variants: outputs [begin, n) of `vertical`. */
void vit__resize_vertical_c(const vit__taps *taps, size_t i, const void *const *rows, size_t begin, size_t n,
                            void *out);

#endif
