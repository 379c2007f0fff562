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
    size_t index;                /* the input's number in the results of the requests */
    const vit_request *requests; /* outputs that the model has: the caller has checked that */
    size_t n_requests;
} vit__encoder_input;

/* Runs one lane's share of the forward pass of its input, or that of all its inputs (lane->each). Lanes that share an
 * input must all run at the same time, each on a thread of its own. The leading lane (lane->leads) writes the results:
 * they are there when its call returns. */
void vit__encoder_run(vit__lane *lane);

#endif
