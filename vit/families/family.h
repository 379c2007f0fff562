/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A family is a table: how its config keys fill vit_config, and how its tensors are named. Adding one is adding one
 * file with such a table, and a row in family.c (docs/families.md says how, step by step).
 */
#ifndef VIT_FAMILY_H
#define VIT_FAMILY_H

#include "checkpoint.h"
#include "config.h"
#include "json.h"

/* Canonical weights. Those from VIT__SLOT_BLOCK on exist once per block. Shapes: D width, F MLP width, A heads *
 * head_dim, E projection, C classes; binding.c holds the table of them. A packed slot and the ones it packs are
 * alternatives: the checkpoint has one or the other. */
typedef enum vit__slot {
    VIT__SLOT_PATCH, /* [D, 3, patch_height, patch_width] */
    VIT__SLOT_PATCH_NORM,
    VIT__SLOT_TOKENS,      /* [vocabulary, D] */
    VIT__SLOT_TOKEN_TYPES, /* [types, D] */
    VIT__SLOT_CLASS_TOKEN, /* [1, 1, D] */
    VIT__SLOT_DISTILLATION_TOKEN,
    VIT__SLOT_REGISTER_TOKENS, /* [1, registers, D] */
    VIT__SLOT_POSITIONS,       /* [1, rows, D] */
    VIT__SLOT_RELATIVE_SHARED, /* [(2h-1)(2w-1)+3, heads], or [buckets, heads] */
    VIT__SLOT_ROTARY,          /* [2, depth, heads, head_dim/2], learned frequencies */
    VIT__SLOT_PRE_NORM,
    VIT__SLOT_FINAL_NORM,
    VIT__SLOT_POOLED_NORM,
    VIT__SLOT_POOLER,
    VIT__SLOT_TRANSFORMATION, /* [transformation, D] */
    VIT__SLOT_DENSE1,         /* [dense 1, D], and so on */
    VIT__SLOT_DENSE2,
    VIT__SLOT_DENSE3,
    VIT__SLOT_EMBEDDING, /* [E, D], or what the last dense layer gives */
    VIT__SLOT_HEAD,      /* [C, D] or [C, 2D] */
    VIT__SLOT_HEAD_DISTILLATION,
    VIT__SLOT_LATENT_MEAN, /* [latent, D] */
    VIT__SLOT_LATENT_LOG_VARIANCE,
    VIT__SLOT_LOGIT_SCALE, /* [] */
    VIT__SLOT_LOGIT_BIAS,
    VIT__SLOT_POOL_LATENT, /* [1, queries, P]; P: the pool's width, D nearly everywhere */
    VIT__SLOT_POOL_QUERY_NORM,
    VIT__SLOT_POOL_KEY_NORM,
    VIT__SLOT_POOL_QKV, /* [3P, D], packs the next four */
    VIT__SLOT_POOL_QUERY,
    VIT__SLOT_POOL_KV, /* [2P, D], packs the next two */
    VIT__SLOT_POOL_KEY,
    VIT__SLOT_POOL_VALUE,
    VIT__SLOT_POOL_PROJECTION,
    VIT__SLOT_POOL_NORM,
    VIT__SLOT_POOL_FC1,
    VIT__SLOT_POOL_FC2,
    VIT__SLOT_BLOCK,
    VIT__SLOT_NORM1 = VIT__SLOT_BLOCK,
    VIT__SLOT_PARALLEL_IN,  /* [F + 3A, D], packs the MLP's first matrix and QKV */
    VIT__SLOT_PARALLEL_OUT, /* [D, A + F], packs the attention's projection and the MLP's second matrix */
    VIT__SLOT_QKV,          /* [3A, D], packs the next three */
    VIT__SLOT_QUERY,
    VIT__SLOT_KEY,
    VIT__SLOT_VALUE,
    VIT__SLOT_Q_NORM, /* [head_dim], or [A] */
    VIT__SLOT_K_NORM,
    VIT__SLOT_RELATIVE,      /* [(2h-1)(2w-1)+3, heads]; of a window [(2h-1)(2w-1), heads] */
    VIT__SLOT_CONTINUOUS1,   /* [512, 2], with bias: the MLP that makes such a table (SwinV2) */
    VIT__SLOT_CONTINUOUS2,   /* [heads, 512] */
    VIT__SLOT_COSINE_SCALE,  /* [heads, 1, 1], of cosine attention: a logarithm */
    VIT__SLOT_LAMBDA_QUERY1, /* [head_dim/2], of differential attention */
    VIT__SLOT_LAMBDA_KEY1,
    VIT__SLOT_LAMBDA_QUERY2,
    VIT__SLOT_LAMBDA_KEY2,
    VIT__SLOT_DIFFERENCE_NORM, /* [head_dim], an RMS norm of each head */
    VIT__SLOT_ATTENTION_NORM,
    VIT__SLOT_PROJECTION, /* [D, A] */
    VIT__SLOT_SCALE1,     /* [D] */
    VIT__SLOT_NORM2,
    VIT__SLOT_FC1,  /* [F, D], or [2F, D] gated, which packs the next two */
    VIT__SLOT_GATE, /* [F, D] */
    VIT__SLOT_UP,
    VIT__SLOT_MLP_NORM,
    VIT__SLOT_FC2, /* [D, F] */
    VIT__SLOT_SCALE2,
    VIT__SLOT_MERGE_NORM, /* [4D], or [2D]; of one block of a stage: its first or its last (vit__stages) */
    VIT__SLOT_MERGE,      /* [2D, 4D], D being the width of the stage that ends */
    VIT__SLOTS
} vit__slot;

typedef enum vit__layout {
    VIT__LAYOUT_PLAIN,
    VIT__LAYOUT_FLAT,       /* without the leading dimensions of 1 */
    VIT__LAYOUT_TRANSPOSED, /* a matrix as [inputs, outputs] */
    VIT__LAYOUT_PIXELS,     /* of patches: a matrix whose columns run row, column, channel */
    VIT__LAYOUT_PACKED      /* a whole layer, bias included, as U8 bytes (packed.h) */
} vit__layout;

/* The names of one slot's tensors, such as "layer.%zu.fc1.weight". The first %zu stands for the number of the block, a
 * second one for the number of the branch. In an encoder with stages they stand for the number of the stage, and for
 * that of the block inside it. A leading '^' means that the prefix is left out, since heads stand outside of the base
 * model's prefix. NULL: the family has no such tensor. */
typedef struct vit__name {
    const char *weight, *bias;
    vit__layout layout;
} vit__name;

/* clang-format off */
#define VIT__PAIR(base) {base ".weight", base ".bias", VIT__LAYOUT_PLAIN}
#define VIT__ALONE(name) {name, NULL, VIT__LAYOUT_PLAIN}
#define VIT__ALONE_FLAT(name) {name, NULL, VIT__LAYOUT_FLAT}
/* clang-format on */

typedef vit__name vit__name_set[VIT__SLOTS];

typedef enum vit__tower { VIT__TOWER_IMAGE, VIT__TOWER_TEXT, VIT__TOWERS } vit__tower;

/* What a family has to say about one tower of a checkpoint. */
typedef struct vit__plan {
    bool present; /* false: the checkpoint has no such tower */
    vit_config config;
    const vit__name *names; /* [VIT__SLOTS] */
    const char *prefix;     /* static storage */
    bool packed;            /* the layers are stored as panels (packed.h), in this precision */
    vit_precision precision;
    size_t parameters;      /* how many numbers the checkpoint had that was packed */
    vit__name_set composed; /* names of several sources, where `names` is this (vit__plan_compose) */
} vit__plan;

/* Copies plan->names to plan->composed, where names of other tensors can be added: the names of an encoder are one set,
 * and those of the layers around it another. */
void vit__plan_compose(vit__plan *plan);

typedef struct vit__family {
    const char *name;
    vit__checkpoint_kind kind;
    const char *const *model_types; /* the values of "model_type" that mean this family; NULL: all of this kind */
    /* Fills *plan, which is all zero before, for one tower. It may look for tensors in the checkpoint where the Python
     * library does so too. A key or a value that it does not know is refused, and the message names it. */
    vit_status (*plan)(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *plan, vit_error *err);
    const char *const *harmless; /* ends ("position_ids"), starts ("decoder.*") or parts ("*cross*") of the names of
                                  * tensors that may be there unused; NULL-terminated, or NULL */
} vit__family;

/* An error that lists the known families if none fits the checkpoint's config. */
vit_status vit__family_find(const vit__checkpoint *checkpoint, const vit__family **family, vit_error *err);

typedef struct vit__place {
    size_t block, branch;
} vit__place;

/* Names a tensor: prefix and indices put into the pattern of a name. false: longer than text. */
bool vit__family_tensor_name(const char *pattern, const char *prefix, vit__place place, char *text, size_t size);

/* Does the checkpoint hold the tensor that this pattern names (block 0)? */
bool vit__family_has(const vit__checkpoint *checkpoint, const char *pattern, const char *prefix);

/* One way in which a family's tensors may be named. */
typedef struct vit__naming {
    const char *prefix;
    const vit__name *names;
} vit__naming;

/* Sets plan->names and plan->prefix to the naming by which most tensors are found; of equal ones, to the first. So if
 * one tensor is missing, the error names this tensor. */
void vit__family_name(const vit__checkpoint *checkpoint, const vit__naming *namings, size_t n, vit__plan *plan);

/* The families. */
extern const vit__family vit__family_vit, vit__family_deit, vit__family_dinov2, vit__family_dinov3, vit__family_beit,
    vit__family_clip, vit__family_siglip, vit__family_siglip2, vit__family_aimv2, vit__family_internvit,
    vit__family_text, vit__family_metaclip, vit__family_chinese_clip, vit__family_altclip, vit__family_blip,
    vit__family_tipsv2, vit__family_dual, vit__family_mclip, vit__family_swin, vit__family_timm, vit__family_open_clip,
    vit__family_own, vit__family_packed;

/* How packed files name their tensors, and the prefix of each tower's. */
extern const vit__name vit__packed_names[VIT__SLOTS];
extern const char *const vit__packed_prefixes[VIT__TOWERS];
/* "image", "text": what their config calls the towers. */
extern const char *const vit__tower_names[VIT__TOWERS];
#define VIT__PACKED_VERSION 1

#endif
