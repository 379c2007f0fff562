/* SPDX-License-Identifier: BSD-2-Clause */
/* What an open checkpoint is made of: for checkpoint.c and digest.c alone. */
#ifndef VIT_CHECKPOINT_INTERNAL_H
#define VIT_CHECKPOINT_INTERNAL_H

#include "checkpoint.h"
#include "layout.h"
#include "shards.h"

typedef struct vit__named_tensor {
    const vit__tensor *tensor;
    const float *floats; /* its converted copy, once made */
} vit__named_tensor;

struct vit__checkpoint {
    vit__layout layout;
    vit__shards shards;
    vit__named_tensor *tensors; /* of all shards, sorted by name */
    size_t n_tensors;
    void **kept; /* memory that is freed with the checkpoint */
    size_t n_kept, kept_room;
};

#endif
