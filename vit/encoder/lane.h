/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One lane of a forward pass: threads, memory, and the tokens of one input that are theirs,
 * from pixels to the last block. Everything but attention concerns one token, so lanes that
 * share an input meet once a block: when all have written their keys and values.
 */
#ifndef VIT_LANE_H
#define VIT_LANE_H

#include "barrier.h"
#include "gemm.h"
#include "model.h"

/* Memory of one input with T tokens. */
typedef struct vit__lane_memory {
    float *operand;    /* [T] rows of what is multiplied */
    float *x;          /* [T, D] the residual stream; in the end, normed */
    float *y;          /* [T, max(D, A)] attention's output */
    float *wide;       /* [T, max(fc1, 3A, 2D, P)] */
    float *parallel;   /* [T, D] where attention and MLP, or several of them, stand beside each other; of stages: the
                        * residual stream of every second stage */
    float *difference; /* [T, A] for differential attention */
    float *pooled;     /* [max(2D, dense layers)] */
    float *features;   /* [what a classifier of an output reads] */
    float *spare;      /* [max(2D, dense layers, classes, MLP of the attention pool)] */
} vit__lane_memory;

typedef struct vit__lane {
    const vit_model *model;
    vit__workers workers;
    vit__barrier *meeting; /* of the lanes that share the input; NULL: there is but this one */
    /* of the pass that is running: */
    size_t tokens;      /* T; of a text without its padding, of a picture its own */
    size_t length;      /* of the input with padding: what outputs are counted by; of pictures, the largest's */
    uint8_t *hidden;    /* [T] of a model that hides some tokens from all: 1; else NULL */
    uint32_t *places;   /* [context] of a model of words: where each of the tokens is in the input; else NULL */
    size_t part, parts; /* which of the lanes that share the input it is, and of how many */
    size_t first, own;  /* the tokens that are this lane's */
    bool leads;         /* its tokens are the input's first */
    size_t rows;        /* how many of them, from `first` on, the block that is running has to finish */
    const struct vit__encoder_input *input;
    vit__lane_memory all;                        /* of the whole input */
    float *x, *y, *wide, *parallel, *difference; /* of the lane's own tokens */
    float *qkv[2]; /* [T, max(3A, 2D, 2P)] of the whole input, by turns: a lane may write the next block's while others
                            * read this one's. Where there are no others, both are `wide`. */
} vit__lane;

/* Waits until the lanes that share the input have come as far. */
static inline void vit__lane_meet(const vit__lane *lane)
{
    if (lane->meeting)
        vit__barrier_wait(lane->meeting);
}

#endif
