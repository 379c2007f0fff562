/* SPDX-License-Identifier: BSD-2-Clause */
/* Which outputs a model has, and their shapes. */
#ifndef VIT_OUTPUTS_H
#define VIT_OUTPUTS_H

#include "config.h"

bool vit__output_exists(const vit_config *config, vit_output output);
/* "embedding, cls, ..." as the command names them, for messages. */
void vit__output_list(const vit_config *config, char *text, size_t size);
/* Its name; static storage. */
const char *vit__output_name(vit_output output);
/* Of an output that exists, for an input of this many tokens. `layer` counts for hidden states of stages, which differ
 * in their shapes. */
void vit__output_shape(const vit_config *config, vit_output output, size_t layer, size_t tokens, size_t shape[2]);

#define VIT__OUTPUTS (VIT_OUTPUT_ATTENTION + 1)

#endif
