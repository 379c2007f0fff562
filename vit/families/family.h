/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A family is a table: how its config keys fill vit_config, and how its tensors are named. Adding one is adding one
 * file with such a table, and a row in family.c.
 */
#ifndef VIT_FAMILY_H
#define VIT_FAMILY_H

#include "config.h"
#include "json.h"

/* Canonical weights. Those from VIT__SLOT_BLOCK on exist once per block. */
typedef enum vit__slot {
    VIT__SLOT_PATCH_WEIGHT, /* [D, 3, patch_height, patch_width] */
    VIT__SLOT_PATCH_BIAS,
    VIT__SLOT_CLASS_TOKEN,
    VIT__SLOT_DISTILLATION_TOKEN,
    VIT__SLOT_REGISTER_TOKENS,
    VIT__SLOT_POSITIONS,
    VIT__SLOT_PRE_NORM_WEIGHT,
    VIT__SLOT_PRE_NORM_BIAS,
    VIT__SLOT_FINAL_NORM_WEIGHT,
    VIT__SLOT_FINAL_NORM_BIAS,
    VIT__SLOT_POOLED_NORM_WEIGHT,
    VIT__SLOT_POOLED_NORM_BIAS,
    VIT__SLOT_POOLER_WEIGHT,
    VIT__SLOT_POOLER_BIAS,
    VIT__SLOT_HEAD_WEIGHT,
    VIT__SLOT_HEAD_BIAS,
    VIT__SLOT_HEAD_DISTILLATION_WEIGHT,
    VIT__SLOT_HEAD_DISTILLATION_BIAS,
    VIT__SLOT_BLOCK,
    VIT__SLOT_NORM1_WEIGHT = VIT__SLOT_BLOCK,
    VIT__SLOT_NORM1_BIAS,
    VIT__SLOT_QKV_WEIGHT, /* [3D, D]; a family has either this or the three apart */
    VIT__SLOT_QKV_BIAS,
    VIT__SLOT_QUERY_WEIGHT,
    VIT__SLOT_QUERY_BIAS,
    VIT__SLOT_KEY_WEIGHT,
    VIT__SLOT_KEY_BIAS,
    VIT__SLOT_VALUE_WEIGHT,
    VIT__SLOT_VALUE_BIAS,
    VIT__SLOT_Q_NORM_WEIGHT,
    VIT__SLOT_Q_NORM_BIAS,
    VIT__SLOT_K_NORM_WEIGHT,
    VIT__SLOT_K_NORM_BIAS,
    VIT__SLOT_PROJECTION_WEIGHT,
    VIT__SLOT_PROJECTION_BIAS,
    VIT__SLOT_SCALE1,
    VIT__SLOT_NORM2_WEIGHT,
    VIT__SLOT_NORM2_BIAS,
    VIT__SLOT_FC1_WEIGHT,
    VIT__SLOT_FC1_BIAS,
    VIT__SLOT_FC2_WEIGHT,
    VIT__SLOT_FC2_BIAS,
    VIT__SLOT_SCALE2,
    VIT__SLOTS
} vit__slot;

/* names[slot]: the tensor's name, "%zu" standing for the block index; NULL: the family has no such tensor. A leading
 * '^' keeps the prefix off (heads stand outside the base model's prefix). */
typedef struct vit__name_set {
    const char *const *names; /* [VIT__SLOTS] */
} vit__name_set;

typedef struct vit__checkpoint vit__checkpoint;

typedef struct vit__family {
    const char *name;
    /* Does this config.json (or timm config) belong to the family? */
    bool (*recognises)(const vit__json *config);
    /* Fills *out, which starts zeroed, from the config; the checkpoint's tensor names may be asked where the library
     * itself lets the tensors decide. Refuses what it does not understand and says which key. */
    vit_status (*configure)(const vit__json *config, const vit__checkpoint *checkpoint, vit_config *out, vit_error *err);
    const char *const *prefixes; /* tried in order, NULL-terminated: "vit.", "" */
    const vit__name_set *name_sets; /* tried in order: the first whose first norm is there is taken */
    size_t n_name_sets;
    const char *const *harmless; /* suffixes of tensors that may be there and are not used; NULL-terminated */
} vit__family;

/* NULL, with an error that lists the known families, if none recognises the config. */
const vit__family *vit__family_find(const vit__json *config, const char *where, vit_error *err);

#endif
