/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a forward pass takes place: some inputs, the threads that work on them, and memory of their own. A session has a
 * lane for every thread, which encodes one input from end to end and waits for nobody, and one in which all threads share
 * the inputs that are left over, fewer than there are threads.
 */
#ifndef VIT_LANE_H
#define VIT_LANE_H

#include "gemm.h"
#include "model.h"

typedef struct vit__lane {
    const vit_model *model;
    vit__workers workers;
    size_t tokens; /* T of the pass that is running */
    size_t rows;   /* how many of each input's tokens, from the first on, the block that is running has to finish */
    const struct vit__encoder_batch *batch; /* the pass that is running */
    float *x;      /* [B, T, D] the residual stream */
    float *y;      /* [B, T, max(D, A)] normed tokens; attention's output */
    float *wide;   /* [B, T, max(3A, fc1, 2D)] or [B, patches, P] */
    float *parallel; /* [B, T, D] where attention and MLP, or several of them, stand beside each other */
    float *difference; /* [B, T, A] for differential attention */
    float *pooled; /* [B, 2D] */
    float *spare;  /* [B, max(2D, classes)] */
} vit__lane;

#endif
