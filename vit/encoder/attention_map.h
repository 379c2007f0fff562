/* SPDX-License-Identifier: BSD-2-Clause */
/* The weights of attention, softmax(Q K^T / sqrt(head_dim) + bias), for
 * people to look at: attention itself never has them in memory together. */
#ifndef VIT_ATTENTION_MAP_H
#define VIT_ATTENTION_MAP_H

#include "attention.h"

/* maps[H][length][length], a row for each query: those of the call's queries. Padding of a text has zeros. Comes after
 * vit__attention: q and k are normed and turned already. */
void vit__attention_map(const vit__attention_call *call, const vit__workers *workers, float *maps);

#endif
