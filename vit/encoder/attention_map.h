/* SPDX-License-Identifier: BSD-2-Clause */
/* The weights of attention, softmax(Q K^T / sqrt(head_dim) + bias), for people to look at. Attention itself
 * (attention_core.h) never has all of these weights in memory. */
#ifndef VIT_ATTENTION_MAP_H
#define VIT_ATTENTION_MAP_H

#include "attention.h"

/* Writes the rows of the call's queries into maps[H][length][length], which has a row for each query. Rows and columns
 * of a text's padding are zero. Comes after vit__attention, which has normed and turned q and k. */
void vit__attention_map(const vit__attention_call *call, const vit__workers *workers, float *maps);

#endif
