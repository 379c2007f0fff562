/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane is a worker of the forward pass. It has a thread (or several), memory, and some of the tokens of one input,
 * which it takes from pixels to the last block. Two lanes that share an input of 197 tokens:
 *
 *               block 1                         block 2
 *     lane 0    qkv of tokens 0..98    |meet|   attention, MLP; qkv of 0..98      |meet|   ...
 *     lane 1    qkv of tokens 99..196  |meet|   attention, MLP; qkv of 99..196    |meet|   ...
 *
 * Attention alone reads the keys and values of all tokens; every other step reads one token. So the lanes meet once a
 * block, when all of them have written the keys and values of their tokens (vit__lane_meet). A lane that has an input
 * to itself meets nobody.
 *
 * In a batch a lane may have several inputs (vit__multiplier.abreast). Their tokens are rows one after the other, so
 * each layer multiplies all of them in one call, and reads its weights once. What concerns one input is done by a lane
 * of its own for each (vit__lane.each), which has a part of the rows. A lane with two inputs of 197 tokens:
 *
 *     lane           qkv of rows 0..393                     MLP of rows 0..393; qkv   ...
 *     each[0]                              attention of 0..196
 *     each[1]                              attention of 197..393
 */
#ifndef VIT_LANE_H
#define VIT_LANE_H

#include "barrier.h"
#include "gemm.h"
#include "model.h"

#define VIT__LANE_INPUTS 2 /* most inputs of a lane */

/* Memory of one input with T tokens, or of several with T in all. */
typedef struct vit__lane_memory {
    float *operand;    /* [T] rows of what is multiplied */
    float *x;          /* [T, D] the residual stream; after the last block, what the final norm makes of it */
    float *y;          /* [T, max(D, A)] attention's output */
    float *wide;       /* [T, max(fc1, 3A, 2D, P)] */
    float *parallel;   /* [T, D] for blocks whose branches stand beside each other; in an encoder with stages the
                        * residual stream of every second stage */
    float *difference; /* [T, A] for differential attention */
    float *pooled;     /* [max(2D, dense layers)] */
    float *features;   /* [inputs of the classifier] where it reads another output than the embedding */
    float *spare;      /* [max(2D, dense layers, classes, MLP of the attention pool)] */
} vit__lane_memory;

typedef struct vit__lane {
    const vit_model *model;
    vit__workers workers;
    vit__barrier *meeting;  /* where the lanes that share the input meet; NULL: this lane has the input to itself */
    struct vit__lane *each; /* [n_each] a lane for each of the inputs; of one input: this lane itself */
    size_t n_each;
    /* about the input that is being encoded; of several, only what their rows have in common: */
    size_t tokens;      /* T: a text's tokens without its padding; a picture's own, where sizes differ */
    size_t length;      /* rows of outputs that have one a token: a text with its padding, or the largest picture */
    uint8_t *hidden;    /* [T] 1: no token sees this one; NULL: the model hides no tokens */
    uint32_t *places;   /* [context] where each token stands in the text with its padding; NULL: pictures */
    size_t part, parts; /* this is lane `part` of the `parts` lanes that share the input */
    size_t first, own;  /* the lane's tokens: first, first + 1, ..., first + own - 1 */
    bool leads;         /* the lane has token 0, and writes the results */
    size_t rows;        /* how many of its tokens, from `first` on, the block that is running must finish */
    const struct vit__encoder_input *input;
    vit__lane_memory all;                        /* of the whole input */
    float *x, *y, *wide, *parallel, *difference; /* of the lane's own tokens */
    /* [T, max(3A, 2D, 2P)] queries, keys and values of the whole input. Blocks use the two buffers in turn: a lane that
     * is ahead writes those of block 2 into qkv[1], while another lane still reads those of block 1 in qkv[0]. A lane
     * that has the input to itself needs one buffer: both pointers are its `wide`. */
    float *qkv[2];
} vit__lane;

/* Waits until all lanes that share the input have called this too. */
static inline void vit__lane_meet(const vit__lane *lane)
{
    if (lane->meeting)
        vit__barrier_wait(lane->meeting);
}

#endif
