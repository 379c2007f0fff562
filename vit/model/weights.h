/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of one encoder under their canonical names. Filled by vit__weights_load from a checkpoint and a family's
 * name table; everything is f32: large matrices are views on the mapped file where it stores aligned f32, else
 * converted copies. Shapes in comments: D width, F MLP width, P = 3 * patch_height * patch_width, T tokens.
 * An absent part has NULL pointers (outputs 0 for a linear layer).
 */
#ifndef VIT_WEIGHTS_H
#define VIT_WEIGHTS_H

#include "config.h"
#include "gemm.h"

typedef struct vit__norm_weights {
    const float *weight; /* [D] */
    const float *bias;   /* [D], NULL for RMS */
} vit__norm_weights;

typedef struct vit__block_weights {
    vit__norm_weights norm1, norm2;
    vit__linear qkv;        /* D -> 3D: rows of q, then k, then v; one part, or three */
    vit__norm_weights q_norm, k_norm; /* [head_dim] */
    vit__linear projection; /* D -> D */
    const float *scale1, *scale2; /* layer scale [D] */
    vit__linear fc1;        /* D -> F */
    vit__linear fc2;        /* F -> D */
} vit__block_weights;

typedef struct vit__weights {
    vit__linear patch;          /* P -> D; columns ordered channel, row, column, as a convolution kernel */
    const float *class_token;   /* [D] */
    const float *distillation_token; /* [D] */
    const float *register_tokens;    /* [registers, D] */
    const float *positions;     /* [T, D] or [patches, D], as config->position says; computed for sin-cos */
    vit__norm_weights pre_norm;
    vit__block_weights *blocks; /* [depth] */
    vit__norm_weights final_norm;
    vit__norm_weights pooled_norm;
    vit__linear pooler;            /* D -> pooler_width */
    vit__linear head;              /* pooled -> classes */
    vit__linear head_distillation; /* D -> classes */
} vit__weights;

#endif
