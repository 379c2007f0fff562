/* SPDX-License-Identifier: BSD-2-Clause */
/* From the tokens after the last block to the outputs asked for. */
#ifndef VIT_HEAD_H
#define VIT_HEAD_H

#include "encoder.h"

/* Writes every requested output that is not a hidden state. lane->y holds the tokens after the final norm. */
void vit__head_run(vit__lane *lane, const vit__encoder_batch *batch);

/* How many of an input's tokens, from the first on, the batch's requests read after the last block. */
size_t vit__head_tokens(const vit__lane *lane, const vit__encoder_batch *batch);

/* Floats of scratch each thread needs here: the scores of an attention pool. */
size_t vit__pool_scratch(const vit_config *config);

#endif
