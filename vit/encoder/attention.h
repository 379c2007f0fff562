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
    size_t first, own;                        /* the caller's own tokens: first, ..., first + own - 1 */
    size_t queries;                           /* how many of these, from `first` on, get an output */
    float scale;                              /* what scores are multiplied by: 1 / sqrt(d) in nearly all models */
    float *qkv;                               /* [T, 3, H, d] */
    const vit__norm_weights *q_norm, *k_norm; /* weight NULL: none; [d], or [H * d] where norm_width */
    bool norm_width;                          /* q_norm and k_norm are over all heads together, not over each */
    const vit__rotary_table *rotary;          /* for the tokens from rotary_first on; cosines NULL: none */
    bool rotary_half;                         /* element i turns with i + d/2; else with its neighbour */
    size_t rotary_first;
    const float *relative;          /* [H][entries], added to the scaled scores; NULL: none */
    const uint32_t *relative_index; /* [query][key] which entry is added. Rows are relative_row apart: T; or -1 where
                                     * the distance from query to key decides, since rows then overlap */
    ptrdiff_t relative_row;
    size_t relative_entries;
    bool causal;            /* a query sees the keys up to its own */
    const uint8_t *hidden;  /* [T] 1: no query sees this key; NULL: all keys are seen */
    const uint32_t *places; /* [T] where each token stands in the text with its padding; NULL: token i stands at i */
    size_t length;          /* tokens of the text with its padding */
    float *y;               /* [queries, H, d] */
} vit__attention_call;

/* What attention multiplies in: one step wider than the matrices. Its products are a few hundredths of the work, but
 * would cause much of the error of bf16. A matrix unit has no f32: there a product of f32 is three products of
 * bfloat16, which take less time than one of f32 elsewhere. */
static inline vit__core_numbers vit__attention_numbers(vit_precision matrices, const vit__tiles *tiles)
{
    if (matrices == VIT_PRECISION_INT8)
        return VIT__CORE_BF16;
    return matrices == VIT_PRECISION_BF16 && tiles->bf16.hands_out ? VIT__CORE_SPLIT : VIT__CORE_F32;
}

/* Floats of scratch each thread needs. */
size_t vit__attention_scratch(size_t tokens, size_t head_dim);

/* Norms and turns (rotary positions) the queries and keys of the caller's own tokens, in place in qkv. Comes before
 * vit__attention, and before other lanes read these keys. */
void vit__attention_place(const vit__attention_call *call, const vit__workers *workers);

void vit__attention(const vit__attention_call *call, const vit__workers *workers);

/* Differential attention (Ye et al. 2024). The heads of q and k are cut into halves. The result is the attention of the
 * first halves less lambda times the attention of the second halves, both over whole heads of v; then it is normed.
 * call->scale is that for a half. room [queries, H, d] is overwritten. */
void vit__attention_difference(const vit__attention_call *call, const vit__difference *difference, float *room,
                               const vit__workers *workers);

#endif
