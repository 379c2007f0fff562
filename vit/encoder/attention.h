/* SPDX-License-Identifier: BSD-2-Clause */
/* Multi-head self-attention: softmax(Q K^T / sqrt(head_dim)) V, per head (Vaswani et al. 2017). */
#ifndef VIT_ATTENTION_H
#define VIT_ATTENTION_H

#include <stdint.h>

#include "attention_core.h"
#include "gemm.h"
#include "weights.h"

typedef struct vit__attention_call {
    vit__core_numbers numbers;                /* what is multiplied */
    size_t tokens, heads, head_dim;           /* T, H, d */
    size_t first, own;                        /* the tokens this call is about, */
    size_t queries;                           /* and how many of them, from `first` on, get an output */
    float scale;                              /* of the scores: 1 / sqrt(d) nearly everywhere */
    float *qkv;                               /* [T, 3, H, d] */
    const vit__norm_weights *q_norm, *k_norm; /* weight NULL: none; [d], or [H * d] where norm_width */
    bool norm_width;
    const vit__rotary_table *rotary; /* for the tokens from rotary_first on; cosines NULL: none */
    bool rotary_half;
    size_t rotary_first;
    const float *relative;          /* [H][entries], added to the scaled scores; NULL: none */
    const uint32_t *relative_index; /* a row of keys for every query, relative_row apart: T, or -1 where it is the
                                     * distance that counts */
    ptrdiff_t relative_row;
    size_t relative_entries;
    bool causal;            /* a query sees the keys up to its own */
    const uint8_t *hidden;  /* [T] 1: nobody sees this key; NULL: all are seen */
    const uint32_t *places; /* [T] where tokens are that padding stands between; NULL: each at its own number */
    size_t length;          /* of the input with that padding */
    float *y;               /* [queries, H, d] */
} vit__attention_call;

/* Attention's products are a few hundredths of the work and much of bf16's error: one step wider than the matrices. A
 * matrix unit has no f32, and multiplies three products of bfloat16 sooner than others one of f32. */
static inline vit__core_numbers vit__attention_numbers(vit_precision matrices, const vit__tiles *tiles)
{
    if (matrices == VIT_PRECISION_INT8)
        return VIT__CORE_BF16;
    return matrices == VIT_PRECISION_BF16 && tiles->bf16.hands_out ? VIT__CORE_SPLIT : VIT__CORE_F32;
}

/* Floats of scratch each thread needs. */
size_t vit__attention_scratch(size_t tokens, size_t head_dim);

/* Norms and rotary positions, in place, of the call's own tokens
 * in qkv: first of all, and before others use their keys. */
void vit__attention_place(const vit__attention_call *call, const vit__workers *workers);

void vit__attention(const vit__attention_call *call, const vit__workers *workers);

/* Differential attention (Ye et al. 2024): attention of the first halves of q and
 * k, less lambda times that of the second halves, each over whole heads of v,
 * then normed. call->scale is of a half. room [queries, H, d] is overwritten. */
void vit__attention_difference(const vit__attention_call *call, const vit__difference *difference, float *room,
                               const vit__workers *workers);

#endif
