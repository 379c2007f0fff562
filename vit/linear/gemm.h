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

/* One matrix [rows, K] as it lies in memory, f32, row-major; several stacked make one linear layer (q, k, v). */
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
    vit_precision precision; /* what is multiplied */
    void *packed;            /* the back end's own, or NULL */
} vit__linear;

typedef struct vit__epilogue {
    vit__activation activation;
    const float *scale;    /* [N] or NULL for 1 */
    const float *residual; /* may be y itself; NULL for 0 */
    size_t residual_row;   /* floats between its rows */
} vit__epilogue;

/* y[rows, N] = epilogue(norm(x)[rows, K]). x and y must not overlap; y may be the residual. */
typedef struct vit__gemm_call {
    const vit__linear *linear;
    const float *x;
    const vit__norm_weights *norm;  /* [K] of each row, on its way to the multiply units; NULL, or weight NULL: none */
    float *y;                       /* of output 0, whichever are computed */
    size_t first_output, n_outputs; /* first_output a multiple of VIT__PANEL; n_outputs 0: all from there on */
    size_t rows;
    size_t x_row, y_row; /* floats from row to row */
    vit__epilogue epilogue;
} vit__gemm_call;

/* Who does the work, and with what memory: thread i has scratch[i * scratch_size ...]. */
typedef struct vit__workers {
    vit__pool *pool;
    const vit__kernels *kernels;
    vit__tiles tiles;
    float *operand; /* activations in the type that is multiplied, shared by all threads */
    float *scratch;
    size_t scratch_size; /* floats of one thread */
} vit__workers;

typedef struct vit__gemm {
    const char *name;
    bool tiles;     /* our own tiles multiply packed layers: the name of their instructions says more */
    bool streams;   /* packs nothing ahead: a layer's weights must lie in a mapped file until they are multiplied */
    bool undivided; /* every call packs the whole layer, so the rows of an input should come in one call */
    /* Sets linear->packed if the back end wants it so. linear->parts stay valid until release. */
    vit_status (*prepare)(vit__linear *linear, vit__pool *pool, vit_error *err);
    void (*release)(vit__linear *linear);
    /* The layer as the tiles pack it, NULL if it is not; no function: none is. */
    const struct vit__packed *(*panels)(const vit__linear *linear);
    /* Floats of operand memory that a call on this layer takes at most for a row. */
    size_t (*operand)(const vit__linear *linear);
    /* Floats of operand memory it takes besides, behind the rows; NULL: none. */
    size_t (*room)(const vit__linear *linear);
    /* Floats of scratch each thread needs for a call on this layer, of at most so many rows. */
    size_t (*scratch)(const vit__linear *linear, size_t rows);
    void (*apply)(const vit__gemm_call *call, const vit__workers *workers);
} vit__gemm;

/* Every precision, on every processor. A model that is used once is streamed through these tiles (gemm_streamed.h). */
const vit__gemm *vit__gemm_tiles(void);

#endif
