/* SPDX-License-Identifier: BSD-2-Clause */
/* A text encoder of which the checkpoint gives a name and the tensors, but no config (open_clip, M-CLIP). */
#ifndef VIT_FOREIGN_ENCODER_H
#define VIT_FOREIGN_ENCODER_H

#include "family.h"
#include "json_reader.h"

typedef struct vit__foreign_encoder {
    const char *key;    /* that names it: "hf_model_name" */
    const char *name;   /* "xlm-roberta-base" */
    const char *prefix; /* of its tensors */
    bool pad_of_config; /* see vit__text_source */
} vit__foreign_encoder;

/* Plans the encoder by the config that the local hub cache has under this name, or else by what the published model
 * of this name is known to be; in the second case sizes are those of the tensors. *pad = the config's pad_token_id.
 * plan->names is plan->composed. Errors are the reader's, and name the key. */
void vit__foreign_encoder_plan(const vit__foreign_encoder *encoder, const vit__checkpoint *checkpoint,
                               vit__reader *reader, vit__plan *plan);

#endif
