/* SPDX-License-Identifier: BSD-2-Clause */
/* What an open model holds: one tower of a checkpoint. Immutable
 * after vit_model_open, so that sessions may share it. */
#ifndef VIT_MODEL_H
#define VIT_MODEL_H

#include "family.h"
#include "preprocess.h"
#include "weights.h"

struct vit_model {
    vit_config config;
    vit__binding binding; /* which tensor each weight came from */
    vit__weights weights;
    const vit__gemm *gemm;
    vit_precision precision;
    vit_preprocessor *preprocessor; /* NULL: the checkpoint has none, or the model is of words */
    char **labels;                  /* [config.classes], or NULL where the checkpoint names none */
    size_t parameters;              /* numbers in the tower's tensors */
    bool other_tower;               /* the checkpoint has the other tower too */
    bool packed;                    /* the file holds the layers as panels (packed.h) */
    vit__checkpoint *checkpoint;    /* keeps the files mapped */
    vit__checkpoint *head;          /* keeps the file of a classifier alone mapped; NULL: there is none */
    const char *path;               /* the folder or file, for messages; the checkpoint owns the string */
};

#endif
