/* SPDX-License-Identifier: BSD-2-Clause */
/* What an open model holds. Immutable after vit_model_open, so that sessions may share it. */
#ifndef VIT_MODEL_H
#define VIT_MODEL_H

#include "family.h"
#include "preprocess.h"
#include "weights.h"

struct vit_model {
    vit_config config;
    vit__weights weights;
    const vit__gemm *gemm;
    vit_preprocessor *preprocessor; /* NULL: the checkpoint has none */
    char **labels;                  /* [config.classes], or NULL where the checkpoint names none */
    vit__checkpoint *checkpoint;    /* keeps the files mapped */
    char *path;                     /* as resolved, for messages */
};

/* Loads weights under their canonical names; owns converted copies through the checkpoint (vit__checkpoint_keep). */
vit_status vit__weights_load(const vit_config *config, const vit__family *family, vit__checkpoint *checkpoint,
                             const vit__gemm *gemm, vit__weights *weights, vit_error *err);
void vit__weights_free(const vit_config *config, const vit__gemm *gemm, vit__weights *weights);

/* outputs.c: which outputs the model has, in the order of vit_output, "embedding, cls, ..." for messages. */
bool vit__output_exists(const vit_config *config, vit_output output);
void vit__output_list(const vit_config *config, char *text, size_t size);

#endif
