/* SPDX-License-Identifier: BSD-2-Clause */
/* Which outputs a model has, and their shapes. */
#ifndef VIT_OUTPUTS_H
#define VIT_OUTPUTS_H

#include "config.h"

bool vit__output_exists(const vit_config *config, vit_output output);
/* "embedding, cls, ..." as the command names them, for messages. */
void vit__output_list(const vit_config *config, char *text, size_t size);
/* The name of an output, such as "cls"; static storage. */
const char *vit__output_name(vit_output output);
/* The shape of an output that the model has, for an input of so many tokens. layer counts for hidden states of an
 * encoder with stages alone, since these differ in their shapes. */
void vit__output_shape(const vit_config *config, vit_output output, size_t layer, size_t tokens, size_t shape[2]);

#define VIT__OUTPUTS (VIT_OUTPUT_CLASS_MEAN + 1)

/* The output that a classifier with this input reads. input is not VIT__HEAD_INPUT_OWN. */
vit_output vit__output_of_head(vit__head_input input);
/* false: no classifier can read this output. */
bool vit__output_to_head(vit_output output, vit__head_input *input);
/* Numbers that the classifier reads. */
size_t vit__output_head_inputs(const vit_config *config);

#endif
