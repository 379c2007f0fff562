/* SPDX-License-Identifier: BSD-2-Clause */
/* From the tokens after the last block to the outputs asked for. */
#ifndef VIT_HEAD_H
#define VIT_HEAD_H

#include "encoder.h"

/* How many of the input's tokens, from the first on, its requests read after the last block. */
size_t vit__head_tokens(const vit__lane *lane);

/* What concerns single tokens, for the lane's own. lane->x holds them after the final norm. */
void vit__head_prepare(const vit__lane *lane);

/* Writes every requested output that is not a hidden state, when all of the input's lanes are prepared. */
void vit__head_run(vit__lane *lane);

/* Floats of scratch each thread needs here: the scores of an attention pool. */
size_t vit__pool_scratch(const vit_config *config);

#endif
