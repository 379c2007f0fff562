/* SPDX-License-Identifier: BSD-2-Clause */
/* Multi-head self-attention: softmax(Q K^T / sqrt(head_dim)) V, per image and head (Vaswani et al. 2017). */
#ifndef VIT_ATTENTION_H
#define VIT_ATTENTION_H

#include "gemm.h"
#include "weights.h"

typedef struct vit__attention_call {
    size_t items, tokens, heads, head_dim; /* B, T, H, d */
    float *qkv;                            /* [B, T, 3, H, d]; q and k are normed in place where asked */
    const vit__norm_weights *q_norm, *k_norm; /* weight NULL: none; [d] */
    float norm_eps;
    float *y;                              /* [B, T, H, d] */
} vit__attention_call;

/* Floats of scratch each thread needs. */
size_t vit__attention_scratch(size_t tokens);

void vit__attention(const vit__attention_call *call, const vit__gemm *gemm, const vit__workers *workers);

#endif
