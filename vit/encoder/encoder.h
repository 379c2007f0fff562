/* SPDX-License-Identifier: BSD-2-Clause */
/* The forward pass. */
#ifndef VIT_ENCODER_H
#define VIT_ENCODER_H

#include "lane.h"

typedef struct vit__encoder_batch {
    const float *pixels; /* [items][3][height][width]; or, for a model of words: */
    const int32_t *ids;  /* [items][length], each less than the vocabulary */
    size_t length;
    size_t items;        /* as many as the lane has memory for, at most */
    size_t first;        /* index of the first image in the results of the requests */
    const vit_request *requests; /* checked: the model has them */
    size_t n_requests;
} vit__encoder_batch;

void vit__encoder_run(vit__lane *lane, const vit__encoder_batch *batch);

#endif
