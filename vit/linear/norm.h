/* SPDX-License-Identifier: BSD-2-Clause */
/* A norm of either kind, with its weights. */
#ifndef VIT_NORM_H
#define VIT_NORM_H

#include "config.h"
#include "kernels.h"

typedef struct vit__norm_weights {
    const float *weight; /* [D]; NULL: there is no norm here */
    const float *bias;   /* [D], NULL for RMS */
    float eps;
    vit__norm_kind kind;
} vit__norm_weights;

/* y = norm(x) over n values; y may be x. */
static inline void vit__norm_row(const vit__kernels *kernels, const vit__norm_weights *norm, size_t n, const float *x,
                                 float *y)
{
    (norm->kind == VIT__NORM_RMS ? kernels->rms_norm : kernels->layer_norm)(x, norm->weight, norm->bias, norm->eps, n,
                                                                            y);
}

#endif
