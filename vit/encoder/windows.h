/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attention inside windows of a map of tokens (Liu et al. 2021). Tokens are copied out of the map window by window, as
 * many windows at a time as the caller likes. The results of attention are copied back to the tokens' places. Where a
 * window reaches over the border of the map, its tokens there are padding: they are zeros, they take part as keys, and
 * their results are dropped. A map of 10 x 10 tokens has 4 windows of 7 x 7, three of them with padding.
 */
#ifndef VIT_WINDOWS_H
#define VIT_WINDOWS_H

#include "attention_core.h"
#include "gemm.h"
#include "stages.h"

typedef struct vit__windows {
    vit__map map;     /* shifts are 0 in a block that does not turn the map */
    bool turns_first; /* true: the map is turned (shifted) and then padded; false: padded and then turned */
    size_t first, n;  /* the windows of this call: first, ..., first + n - 1, counted row by row */
    size_t width;     /* C */
    size_t heads, head_dim;
    vit__core_numbers numbers;
    const float *relative; /* [H][entries of a window] */
    const float *cosine;   /* vit__block_weights; NULL: attention is plain */
    float strangers;       /* added to the score of two tokens that are in one window only since the map was turned */
} vit__windows;

/* rows[windows][tokens of a window][C] = norm(the map's tokens x[tokens][C]); norm->weight NULL: x as it is. */
void vit__windows_take(const vit__windows *windows, const vit__norm_weights *norm, const float *x, float *rows,
                       const vit__workers *workers);

/* rows[windows][tokens][H * d] = attention inside each window of qkv[windows][tokens][3][H * d]. Cosine attention norms
 * the queries and keys in qkv, in place. */
void vit__windows_attend(const vit__windows *windows, float *qkv, float *rows, const vit__workers *workers);

/* y[tokens of the map][row] = rows[windows][tokens][row], without the padding. */
void vit__windows_put(const vit__windows *windows, const float *rows, size_t row, float *y,
                      const vit__workers *workers);

/* Floats of scratch that each thread needs. */
size_t vit__windows_scratch(const vit__map *map, size_t head_dim);

#endif
