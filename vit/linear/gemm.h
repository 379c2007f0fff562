/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear layers behind one door. A back end prepares a weight matrix once (it may keep pointers to the
 * mapped file, or pack, convert and give the source pages back) and then applies it with a fused epilogue:
 *
 *     y[m, n] = residual[m, n] + scale[n] * act(sum_k norm(x)[m, k] * W[n, k] + bias[n])
 *
 * The result for a row depends on that row and the layer alone. It is the same bits whatever other rows are in the
 * call, whichever of the layer's outputs are asked for, however many threads work, and whichever back end
 * multiplies. */
#ifndef VIT_GEMM_H
#define VIT_GEMM_H

#include <stdbool.h>

#include "config.h"
#include "kernels.h"
#include "norm.h"
#include "pool.h"
#include "tiles.h"

/* One matrix [rows, K] as it lies in memory: f32, row by row. A linear layer is made of one matrix, or of several on
 * top of each other: q, k and v of ViT-B are three of 768 rows, and one layer of 2304 outputs. */
typedef struct vit__linear_part {
    const float *weight; /* [rows, K] */
    const float *bias;   /* [rows] or NULL */
    size_t rows;
} vit__linear_part;

#define VIT__LINEAR_PARTS 3

typedef struct vit__linear {
    size_t inputs;  /* K */
    size_t outputs; /* N = sum of the parts' rows; 0: this layer is absent */
    size_t n_parts;
    vit__linear_part parts[VIT__LINEAR_PARTS];
    vit_precision precision; /* the type that inputs and weights are multiplied in */
    void *packed;            /* what the back end made of the weights; NULL: nothing */
} vit__linear;

typedef struct vit__epilogue {
    vit__activation activation;
    const float *scale;    /* [N] or NULL for 1 */
    const float *residual; /* may be y itself; NULL for 0 */
    size_t residual_row;   /* floats from one row of the residual to the next */
} vit__epilogue;

/* y[rows, N] = epilogue(norm(x)[rows, K]). x and y must not overlap; y may be the residual. */
typedef struct vit__gemm_call {
    const vit__linear *linear;
    const float *x;
    const vit__norm_weights *norm;  /* applied to each row of x first; NULL, or its weight NULL: no norm */
    float *y;                       /* where output 0 of row 0 belongs, also if output 0 is not computed */
    size_t first_output, n_outputs; /* which outputs are computed: first_output is a multiple of VIT__PANEL;
                                     * n_outputs 0: all from first_output on */
    size_t rows;
    size_t x_row, y_row; /* floats from one row to the next */
    vit__epilogue epilogue;
} vit__gemm_call;

/* The threads that work, and their memory: thread i has the scratch from scratch[i * scratch_size] on. */
typedef struct vit__workers {
    vit__pool *pool;
    const vit__kernels *kernels;
    vit__tiles tiles;
    float *operand; /* shared by all threads: the rows of x, normed and in the type that is multiplied */
    float *scratch;
    size_t scratch_size; /* floats for each thread */
} vit__workers;

typedef struct vit__gemm {
    const char *name;
    bool tiles;     /* packed layers are multiplied by our own tiles, whose instructions vit__tiles names */
    bool streams;   /* nothing is packed ahead: a layer's weights must stay in a mapped file */
    bool undivided; /* each call packs the whole layer, so all rows of an input should come in one call */
    /* May set linear->packed. linear->parts stay valid until release. */
    vit_status (*prepare)(vit__linear *linear, vit__pool *pool, vit_error *err);
    void (*release)(vit__linear *linear);
    /* The layer's panels. NULL: this layer has none. The pointer itself is NULL in a back end that makes no panels. */
    const struct vit__packed *(*panels)(const vit__linear *linear);
    /* Floats of operand memory that a call on this layer needs for each row, at most. */
    size_t (*operand)(const vit__linear *linear);
    /* Floats of operand memory that a call needs behind the rows, once; the pointer is NULL where it needs none. */
    size_t (*room)(const vit__linear *linear);
    /* Floats of scratch that each thread needs for a call on this layer with so many rows, or fewer. */
    size_t (*scratch)(const vit__linear *linear, size_t rows);
    void (*apply)(const vit__gemm_call *call, const vit__workers *workers);
} vit__gemm;

/* Every precision, on every processor. A model that is used once is streamed through these tiles (gemm_streamed.h). */
const vit__gemm *vit__gemm_tiles(void);

#endif
