/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention.h"

#include <math.h>

/* Queries worked on together: their scores, QUERIES x T, are what a thread holds. */
#define QUERIES 256

static size_t query_chunk(size_t tokens)
{
    return tokens < QUERIES ? tokens : QUERIES;
}

size_t vit__attention_scratch(size_t tokens)
{
    return query_chunk(tokens) * tokens;
}

typedef struct attention_work {
    const vit__attention_call *call;
    const vit__gemm *gemm;
    const vit__workers *workers;
    size_t chunks;
} attention_work;

void vit__norm_row(const vit__kernels *kernels, const vit__norm_weights *norm, size_t n, const float *x, float *y)
{
    (norm->kind == VIT__NORM_RMS ? kernels->rms_norm : kernels->layer_norm)(x, norm->weight, norm->bias, norm->eps, n, y);
}

/* q and k of one token of one image, over all heads: norms and rotary positions, in place. */
static void prepare_token(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    const vit__kernels *kernels = work->workers->kernels;
    (void)thread;
    size_t width = c->heads * c->head_dim, token = index % c->tokens;
    size_t runs = c->norm_width ? 1 : c->heads, run = width / runs;
    float *q = c->qkv + index * 3 * width, *k = q + width;
    for (size_t i = 0; c->q_norm->weight && i < runs; i++) {
        vit__norm_row(kernels, c->q_norm, run, q + i * run, q + i * run);
        vit__norm_row(kernels, c->k_norm, run, k + i * run, k + i * run);
    }
    if (!c->rotary->cosines || token < c->rotary_first)
        return;
    for (size_t head = 0; head < c->heads; head++) {
        size_t at = head * c->rotary->head_stride + (token - c->rotary_first) * c->head_dim;
        const float *cosines = c->rotary->cosines + at, *sines = c->rotary->sines + at;
        kernels->rotate(cosines, sines, c->rotary_half, c->head_dim, q + head * c->head_dim);
        kernels->rotate(cosines, sines, c->rotary_half, c->head_dim, k + head * c->head_dim);
    }
}

/* The scores of one query, ready for the softmax over the keys it sees, which are the first *seen. */
static void bias_scores(const vit__attention_call *c, size_t head, size_t query, float *scores, size_t *seen)
{
    *seen = c->causal ? query + 1 : c->tokens;
    if (c->relative) {
        const float *table = c->relative + head * c->relative_entries;
        const uint32_t *index = c->relative_index + query * c->tokens;
        for (size_t key = 0; key < c->tokens; key++)
            scores[key] += table[index[key]];
    }
    for (size_t key = *seen; key < c->tokens; key++)
        scores[key] = 0;
}

/* A run of queries of one head of one image. */
static void attend(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    size_t chunk = index % work->chunks, rest = index / work->chunks;
    size_t head = rest % c->heads, item = rest / c->heads;
    size_t width = c->heads * c->head_dim, tokens = c->tokens;
    size_t first = chunk * QUERIES, queries = tokens - first < QUERIES ? tokens - first : QUERIES;
    const float *q = c->qkv + item * tokens * 3 * width + head * c->head_dim;
    const float *k = q + width, *v = k + width;
    float *scores = work->workers->scratch + thread * work->workers->scratch_size; /* [queries, T] */

    vit__product product = {.m = queries, .n = tokens, .k = c->head_dim, .alpha = 1.0f / sqrtf((float)c->head_dim),
                            .a = q + first * 3 * width, .lda = 3 * width, .b = k, .ldb = 3 * width,
                            .b_transposed = true, .c = scores, .ldc = tokens};
    work->gemm->multiply(&product);
    for (size_t i = 0; i < queries; i++) {
        size_t seen;
        bias_scores(c, head, first + i, scores + i * tokens, &seen);
        work->workers->kernels->softmax(scores + i * tokens, seen);
    }
    product = (vit__product){.m = queries, .n = c->head_dim, .k = tokens, .alpha = 1.0f, .a = scores, .lda = tokens,
                             .b = v, .ldb = 3 * width,
                             .c = c->y + (item * tokens + first) * width + head * c->head_dim, .ldc = width};
    work->gemm->multiply(&product);
}

void vit__attention(const vit__attention_call *call, const vit__gemm *gemm, const vit__workers *workers)
{
    attention_work work = {call, gemm, workers, (call->tokens + QUERIES - 1) / QUERIES};
    if (call->q_norm->weight || call->rotary->cosines)
        vit__pool_run(workers->pool, call->items * call->tokens, prepare_token, &work);
    vit__pool_run(workers->pool, call->items * call->heads * work.chunks, attend, &work);
}
