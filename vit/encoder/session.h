/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session owns: scratch for max_batch images, sized at creation, and threads. */
#ifndef VIT_SESSION_H
#define VIT_SESSION_H

#include "gemm.h"
#include "model.h"

struct vit_session {
    const vit_model *model;
    vit__workers workers;
    char multiplier[32]; /* what multiplies the blocks' matrices, for people */
    size_t max_batch;
    size_t tokens; /* T of the pass that is running */
    size_t rows;   /* how many of each input's tokens, from the first on, the block that is running has to finish */
    const struct vit__encoder_batch *batch; /* the pass that is running */
    float *arena;  /* all of the below */
    float *x;      /* [B, T, D] the residual stream */
    float *y;      /* [B, T, max(D, A)] normed tokens; attention's output */
    float *wide;   /* [B, T, max(3A, fc1, 2D)] or [B, patches, P] */
    float *parallel; /* [B, T, D] where attention and MLP, or several of them, stand beside each other */
    float *difference; /* [B, T, A] for differential attention */
    float *pooled; /* [B, 2D] */
    float *spare;  /* [B, max(2D, classes, MLP of the attention pool)] */
};

#endif
