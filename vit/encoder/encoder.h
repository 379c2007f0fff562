/* SPDX-License-Identifier: BSD-2-Clause */
/* The forward pass. */
#ifndef VIT_ENCODER_H
#define VIT_ENCODER_H

#include "lane.h"

typedef struct vit__encoder_input {
    const float *pixels; /* [3][height][width] */
    size_t height, width;
    /* or, for a model of words: */
    const int32_t *ids; /* [length], each less than the vocabulary */
    size_t length;
    size_t index;                /* in the results of the requests */
    const vit_request *requests; /* checked: the model has them */
    size_t n_requests;
} vit__encoder_input;

/* The part of the pass that is the lane's. Lanes that share an input must all run at once, each on a thread; when that
 * which leads is done, the results are written. */
void vit__encoder_run(vit__lane *lane, const vit__encoder_input *input);

#endif
