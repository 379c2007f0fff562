/* SPDX-License-Identifier: BSD-2-Clause */
/* The forward pass of an encoder with stages (vit__stages), such as Swin. It takes the place of vit__encoder_run. */
#ifndef VIT_HIERARCHY_H
#define VIT_HIERARCHY_H

#include "encoder.h"

void vit__hierarchy_run(vit__lane *lane);

/* How many floats of memory the pass needs. */
typedef struct vit__hierarchy_need {
    size_t x[2];    /* for each input: the residual stream of the stages 0, 2, ... and of the stages 1, 3, ... */
    size_t y;       /* for each input */
    size_t wide;    /* for each lane */
    size_t operand; /* for each lane */
    size_t scratch; /* for each thread */
} vit__hierarchy_need;

vit__hierarchy_need vit__hierarchy_needs(const vit_model *model);

#endif
