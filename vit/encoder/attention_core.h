/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of attention, for a run of queries of one head: softmax(Q K^T scale + bias) V, keys taken a block at a
 * time with a running maximum and sum (Milakov & Gimelshein 2018; Dao et al. 2022), so that scores of all tokens
 * are never in memory together. A query's result depends on the number of keys alone, not on the queries beside it.
 */
#ifndef VIT_ATTENTION_CORE_H
#define VIT_ATTENTION_CORE_H

#include "gemm.h"

#define VIT__CORE_QUERIES 204 /* most queries of a run */

/* What is multiplied. Maxima, exponentials and sums are f32. */
typedef enum vit__core_numbers {
    VIT__CORE_F32,
    VIT__CORE_BF16,
    VIT__CORE_SPLIT /* of f32, 16 bits: each value is the sum of two bfloat16, high + low, and the products high * high,
                     * high * low and low * high are added up */
} vit__core_numbers;

typedef struct vit__core_call {
    vit__core_numbers numbers;
    const float *q;     /* [queries][d], rows `stride` floats apart, as those of k and v */
    const float *k, *v; /* [keys][d] */
    size_t stride;
    size_t queries, keys, head_dim;
    float scale;
    const float *relative;          /* added to scaled scores: relative[relative_index[query][key]]; NULL: none */
    const uint32_t *relative_index; /* rows for queries, relative_row apart, which may be negative (attention.h) */
    ptrdiff_t relative_row;
    const float *bias;     /* [queries][keys] added to scaled scores; NULL: none, or `relative` is set */
    size_t bias_row;       /* floats from a row of bias to the next */
    const uint8_t *hidden; /* [keys] 1: no query sees this key; key 0 is never hidden. NULL: all keys are seen */
    bool causal;           /* query i sees the keys up to first_query + i */
    size_t first_query;
    float *y; /* [queries][d] */
    size_t y_stride;
} vit__core_call;

/* Floats of scratch for any number of keys. */
size_t vit__core_scratch(size_t keys, size_t head_dim);

void vit__core_attend(const vit__core_call *call, const vit__kernels *kernels, const vit__tiles *tiles, float *scratch);

#endif
