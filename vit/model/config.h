/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical description of one encoder: the union of what every family needs. A family fills it once from its
 * config file; the encoder reads nothing else and does not know the family's name. Fields that no furnished family
 * sets yet are here so that the house need not be rebuilt for them; model opening refuses values the encoder cannot
 * run (see vit__config_check), so that a field is never silently ignored.
 */
#ifndef VIT_CONFIG_H
#define VIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "vit/vit.h"

typedef enum vit__activation {
    VIT__ACTIVATION_NONE,
    VIT__ACTIVATION_GELU,       /* x * Phi(x), by erf */
    VIT__ACTIVATION_GELU_TANH,  /* the tanh approximation; "gelu_new", "gelu_pytorch_tanh" */
    VIT__ACTIVATION_QUICK_GELU, /* x * sigmoid(1.702 x) */
    VIT__ACTIVATION_RELU,
    VIT__ACTIVATION_SILU,
    VIT__ACTIVATION_TANH
} vit__activation;

typedef enum vit__norm_kind { VIT__NORM_LAYER, VIT__NORM_RMS } vit__norm_kind;

typedef enum vit__block_order {
    VIT__BLOCK_PRE_NORM,    /* x += s1*attention(norm1(x)); x += s2*mlp(norm2(x)) */
    VIT__BLOCK_POST_NORM,   /* h = norm1(attention(x) + x); x = norm2(mlp(h) + h): Vaswani et al. 2017 */
    VIT__BLOCK_BRANCH_NORM, /* x += s1*norm1(attention(x)); x += s2*norm2(mlp(x)) */
    VIT__BLOCK_PARALLEL     /* one norm, attention and MLP beside each other */
} vit__block_order;

typedef enum vit__mlp_kind {
    VIT__MLP_PLAIN, /* fc2(act(fc1(x))) */
    VIT__MLP_GATED  /* fc2(act(gate(x)) * up(x)) */
} vit__mlp_kind;

typedef enum vit__position_kind {
    VIT__POSITION_NONE,
    VIT__POSITION_LEARNED_ALL,     /* table over prefix tokens and patches */
    VIT__POSITION_LEARNED_PATCHES, /* table over patches only; prefix tokens carry none */
    VIT__POSITION_SINCOS           /* PE(pos,2i) = sin(pos / 10000^(2i/D)), PE(pos,2i+1) = cos(...), over all tokens */
} vit__position_kind;

typedef enum vit__rotary_kind {
    VIT__ROTARY_NONE,
    VIT__ROTARY_INTERLEAVED, /* timm RotaryEmbeddingCat: pairs (2d, 2d+1) */
    VIT__ROTARY_HALF,        /* DINOv3: pairs (d, d + head_dim/2) */
    VIT__ROTARY_MIXED        /* learned frequencies */
} vit__rotary_kind;

/* How tokens become the vector that the head reads. */
typedef enum vit__pooling {
    VIT__POOL_NONE,              /* no pooled output of the library's own */
    VIT__POOL_CLASS,             /* token 0 */
    VIT__POOL_MEAN_PATCHES,      /* mean without prefix tokens */
    VIT__POOL_MEAN_ALL,          /* mean of all tokens */
    VIT__POOL_CLASS_DISTILLATION,/* mean of tokens 0 and 1 (timm distilled) */
    VIT__POOL_CLASS_AND_MEAN,    /* token 0 ++ mean of patches (DINOv2 classifier) */
    VIT__POOL_ATTENTION          /* attention pooling with a learned query */
} vit__pooling;

typedef enum vit__head {
    VIT__HEAD_NONE,
    VIT__HEAD_LINEAR,       /* logits = W pooled + b */
    VIT__HEAD_TWO_AVERAGED, /* mean of head(token 0) and head_distillation(token 1) */
    VIT__HEAD_PROJECTION    /* image features = W pooled, no bias */
} vit__head;

#define VIT__FAMILY_NAME_MAX 64

typedef struct vit_config {
    char family[VIT__FAMILY_NAME_MAX];

    /* sizes */
    size_t image_height, image_width;
    size_t patch_height, patch_width;
    size_t channels;  /* 3 */
    size_t width;     /* D */
    size_t depth;     /* number of blocks */
    size_t heads;     /* H; head_dim is width / heads unless given */
    size_t head_dim;
    size_t mlp_width; /* F; of one of the two halves when gated */

    /* tokens, in this order: class, distillation, registers, patches */
    bool class_token, distillation_token;
    size_t registers;
    bool patch_bias, patch_norm;
    vit__position_kind position;
    vit__rotary_kind rotary;
    double rotary_theta;
    bool relative_position_bias;

    /* block */
    vit__block_order order;
    vit__norm_kind norm;
    double norm_eps;
    bool pre_norm;   /* norm between embedding and the first block (CLIP) */
    bool final_norm; /* norm after the last block, over all tokens */
    bool qkv_bias, key_bias; /* key_bias: only meaningful with qkv_bias; BEiT has none on the key */
    bool projection_bias, mlp_bias;
    bool qk_norm;      /* norm of each head's q and k */
    bool attention_norm; /* norm before the output projection */
    bool mlp_norm;     /* norm inside the MLP */
    bool layer_scale;  /* factor per channel on both branches */
    vit__mlp_kind mlp;
    vit__activation activation;

    /* head */
    vit__pooling pooling;
    bool pooled_norm; /* timm fc_norm: norm of the pooled vector */
    double pooled_norm_eps;
    bool pooled_is_embedding; /* the library's own embedding is the pooled vector (timm); else class token or patch mean */
    bool pooler;      /* HF pooler_output = pooler_activation(dense(token 0)) */
    vit__activation pooler_activation;
    size_t pooler_width;
    vit__head head;
    size_t classes;
    bool multi_label; /* probabilities by sigmoid */
} vit_config;

/* Tokens before the patches. */
static inline size_t vit__config_prefix(const vit_config *config)
{
    return (size_t)config->class_token + (size_t)config->distillation_token + config->registers;
}

static inline size_t vit__config_patches(const vit_config *config)
{
    return (config->image_height / config->patch_height) * (config->image_width / config->patch_width);
}

/* T */
static inline size_t vit__config_tokens(const vit_config *config)
{
    return vit__config_prefix(config) + vit__config_patches(config);
}

/* Refuses what makes no sense (zero or absurd sizes, width not a multiple of heads, eps not finite or negative: corrupt)
 * and what the encoder cannot run (VIT_ERR_UNSUPPORTED_MODEL, the message names the feature). Bounds every product that
 * later code forms, so that size arithmetic on an accepted config cannot overflow. */
vit_status vit__config_check(const vit_config *config, const char *where, vit_error *err);

#endif
