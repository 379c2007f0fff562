/* SPDX-License-Identifier: BSD-2-Clause */
/* The forward pass of an encoder that has stages (vit__stages), in the place of vit__encoder_run. */
#ifndef VIT_HIERARCHY_H
#define VIT_HIERARCHY_H

#include "encoder.h"

void vit__hierarchy_run(vit__lane *lane, const vit__encoder_input *input);

/* Floats of memory. */
typedef struct vit__hierarchy_need {
    size_t x[2];    /* of an input: the residual stream of the stages 0, 2, ... and of 1, 3, ... */
    size_t y;       /* of an input */
    size_t wide;    /* of a lane */
    size_t operand; /* of a lane */
    size_t scratch; /* of a thread */
} vit__hierarchy_need;

vit__hierarchy_need vit__hierarchy_needs(const vit_model *model);

#endif
