/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of one encoder under their canonical names, made from a binding. Everything is f32: large matrices are
 * views on the mapped file where it stores aligned f32, else converted copies. Shapes in comments: D width, A heads *
 * head_dim, F MLP width, P = 3 * patch_height * patch_width, T tokens, N patches. An absent part has NULL pointers
 * (outputs 0 for a linear layer).
 */
#ifndef VIT_WEIGHTS_H
#define VIT_WEIGHTS_H

#include <stdint.h>

#include "binding.h"
#include "config.h"
#include "gemm.h"
#include "limit.h"

/* Angles of positions: the cosine and the sine for every element of a head. Both elements of a pair have the same. */
typedef struct vit__rotary_table {
    const float *cosines, *sines; /* [1 or H][N][head_dim]; NULL: none */
    size_t head_stride;           /* floats from head to head; 0: all heads share one table */
} vit__rotary_table;

/* Differential attention: norm(heads of the first half - lambda * heads of the second) * (1 - lambda at the start of
 * training), the last factor being in the norm's weights. */
typedef struct vit__difference {
    float lambda;
    vit__norm_weights norm; /* [head_dim]; weight NULL: attention is plain */
} vit__difference;

typedef struct vit__block_weights {
    vit__norm_weights norm1, norm2;
    vit__linear qkv;                  /* D -> 3A: rows of q, then k, then v; one part, or three */
    vit__norm_weights q_norm, k_norm; /* [head_dim] */
    vit__rotary_table rotary;
    vit__difference difference;
    const float *relative;            /* [H][entries] of the block's table of relative positions */
    vit__norm_weights attention_norm; /* [A] */
    vit__linear projection;           /* A -> D */
    const float *scale1, *scale2;     /* layer scale [D] */
    vit__linear fc1;                  /* D -> F; gated: D -> 2F, the gate's rows first */
    vit__norm_weights mlp_norm;       /* [F] */
    vit__linear fc2;                  /* F -> D */
    /* [1 + H][d] for cosine attention: weights of RMS norms. Those of row 0 give keys the length 1. Those of row 1 + h
     * give the queries of head h the length by which this head's scores are multiplied. */
    const float *cosine;
    vit__norm_weights merge_norm; /* for the merging that is bound together with this block */
    vit__linear merge;            /* 4D -> 2D */
} vit__block_weights;

/* Attention pooling: one query over all tokens, then x + fc2(act(fc1(norm(x)))) where it has an MLP. */
typedef struct vit__pool_weights {
    const float *query;         /* [P], normed and projected already: it does not depend on the picture */
    vit__norm_weights key_norm; /* the norm of tokens before kv */
    vit__linear kv;             /* D -> 2P */
    vit__linear projection;
    vit__norm_weights norm;
    vit__linear fc1, fc2;
} vit__pool_weights;

typedef struct vit__weights {
    vit__linear patch; /* P -> D; columns ordered channel, row, column, as a convolution kernel */
    vit__norm_weights patch_norm;
    const float *token_table;        /* [vocabulary, D] */
    const float *token_types;        /* [types, D] */
    const float *class_token;        /* [D] */
    const float *distillation_token; /* [D] */
    const float *register_tokens;    /* [registers, D] */
    const float *positions; /* rows as config->position says, for the model's own picture size; computed for sin-cos;
                             * as stored, where each picture has a size of its own */
    const uint32_t *relative_index; /* [query][key] -> entry of the tables of relative positions. For texts by distance:
                                     * [-(T-1) .. T-1] */
    vit__norm_weights pre_norm;
    vit__block_weights *blocks; /* [pairs], see vit__config_pairs */
    vit__norm_weights final_norm;
    vit__norm_weights pooled_norm;
    vit__pool_weights pool;
    vit__linear pooler;                           /* D -> pooler_width */
    vit__linear transformation;                   /* D -> transformation_width, of every token */
    vit__linear dense[VIT__LIMIT_DENSE_LAYERS];   /* pooled -> what is projected */
    vit__linear embedding;                        /* pooled -> projection_width */
    vit__linear head;                             /* pooled -> classes */
    vit__linear head_distillation;                /* D -> classes */
    vit__linear latent_mean, latent_log_variance; /* D -> latent */
    float logit_scale, logit_bias;                /* as stored: the scale is a logarithm */
} vit__weights;

/* Who multiplies the weights, in which precision of the blocks, and the threads that pack them. */
typedef struct vit__weights_target {
    const vit__gemm *gemm;
    vit_precision precision;
    vit__pool *pool;
} vit__weights_target;

/* Reads the tensors that a binding names. The checkpoint owns tables that are converted, transposed or computed. When
 * the back end has packed a layer, the layer's pages of the file leave memory again. */
vit_status vit__weights_load(const vit_config *config, const vit__name *names, const vit__binding *binding,
                             vit__checkpoint *checkpoint, const vit__weights_target *target, vit__weights *weights,
                             vit_error *err);
void vit__weights_free(const vit_config *config, const vit__gemm *gemm, vit__weights *weights);

/* The layer of a slot of packed files (VIT__LAYOUT_PACKED). outputs 0: the model does not have it. NULL: the slot is no
 * layer. */
const vit__linear *vit__weights_linear(const vit__weights *weights, vit__slot slot, size_t block);

/* Calls visit for every linear layer that the model has. */
void vit__weights_each_linear(const vit_config *config, vit__weights *weights,
                              void (*visit)(vit__linear *linear, void *context), void *context);

#endif
