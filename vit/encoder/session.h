/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session owns: scratch for max_batch images, sized at creation, and threads. */
#ifndef VIT_SESSION_H
#define VIT_SESSION_H

#include "gemm.h"
#include "model.h"

struct vit_session {
    const vit_model *model;
    vit__workers workers;
    size_t max_batch;
    float *arena; /* all of the below */
    float *x;      /* [B, T, D] the residual stream */
    float *y;      /* [B, T, D] normed tokens; attention's output */
    float *wide;   /* [B, T, max(3D, F)] or [B, patches, P] */
    float *pooled; /* [B, 2D] */
    float *spare;  /* [B, max(2D, classes)] */
};

#endif
