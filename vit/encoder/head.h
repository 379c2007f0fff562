/* SPDX-License-Identifier: BSD-2-Clause */
/* From the tokens after the last block to the outputs asked for. */
#ifndef VIT_HEAD_H
#define VIT_HEAD_H

#include "encoder.h"

/* How many tokens, from token 0 on, the requests read after the last block: 1 for the class token alone. */
size_t vit__head_tokens(const vit__lane *lane);

/* The lane's part of the outputs: steps that read one token, for the lane's own tokens. lane->x holds these tokens
 * after the final norm. */
void vit__head_prepare(const vit__lane *lane);

/* Writes every requested output but the hidden states. All lanes that share the input have called vit__head_prepare. */
void vit__head_run(vit__lane *lane);

/* Floats of scratch each thread needs here: the scores of an attention pool. */
size_t vit__pool_scratch(const vit_config *config);

#endif
