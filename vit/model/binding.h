/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tensor of a checkpoint is which canonical weight. Every tensor that the config asks for must be there, with the
 * exact shape and a floating-point type. No tensor's numbers are read here.
 */
#ifndef VIT_BINDING_H
#define VIT_BINDING_H

#include "family.h"

typedef struct vit__bound {
    const vit__tensor *weight, *bias; /* NULL: absent */
} vit__bound;

typedef struct vit__binding {
    vit__bound once[VIT__SLOT_BLOCK];
    vit__bound (*blocks)[VIT__SLOTS - VIT__SLOT_BLOCK]; /* [pairs], see vit__config_pairs */
} vit__binding;

/* VIT_ERR_MODEL_MISMATCH names the tensor that is missing or has another shape or type, and both shapes. The config has
 * passed vit__config_finish. On failure *binding is all zero. */
vit_status vit__binding_make(const vit__plan *plan, const vit__checkpoint *checkpoint, vit__binding *binding,
                             vit_error *err);
void vit__binding_free(vit__binding *binding);

#define VIT__BINDING_RANK_MAX 4

/* The shape of a slot's weight in the plain layout; answers its rank. */
size_t vit__binding_shape(const vit_config *config, vit__slot slot, size_t block, size_t sizes[VIT__BINDING_RANK_MAX]);

/* The name of a tensor, from a pattern like "layer.%zu.fc1" and the number of the block. false: it does not fit
 * text. */
bool vit__binding_name(const vit_config *config, const char *pattern, const char *prefix, size_t block, char *text,
                       size_t size);

const vit__bound *vit__binding_get(const vit__binding *binding, vit__slot slot, size_t block);

/* The towers of a checkpoint. */
typedef struct vit__towers {
    const vit__binding *bindings; /* [n] */
    const vit__plan *plans;       /* [n] */
    size_t n;
    const char *prefix; /* tensors with this prefix belong to these towers; NULL: all tensors do */
} vit__towers;

/* Refuses a checkpoint with a tensor of the towers that no binding takes and that the family does not call harmless. */
vit_status vit__binding_check_unused(const vit__towers *towers, const vit__family *family,
                                     const vit__checkpoint *checkpoint, vit_error *err);

#endif
