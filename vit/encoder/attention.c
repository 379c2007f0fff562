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

/* One head of one image: norms q and k of every token, in place. */
static void norm_head(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t head = index % c->heads, item = index / c->heads;
    size_t width = c->heads * c->head_dim; /* D */
    for (size_t t = 0; t < c->tokens; t++) {
        float *q = c->qkv + (item * c->tokens + t) * 3 * width + head * c->head_dim, *k = q + width;
        work->workers->kernels->layer_norm(q, c->q_norm->weight, c->q_norm->bias, c->norm_eps, c->head_dim, q);
        work->workers->kernels->layer_norm(k, c->k_norm->weight, c->k_norm->bias, c->norm_eps, c->head_dim, k);
    }
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
    for (size_t i = 0; i < queries; i++)
        work->workers->kernels->softmax(scores + i * tokens, tokens);
    product = (vit__product){.m = queries, .n = c->head_dim, .k = tokens, .alpha = 1.0f, .a = scores, .lda = tokens,
                             .b = v, .ldb = 3 * width,
                             .c = c->y + (item * tokens + first) * width + head * c->head_dim, .ldc = width};
    work->gemm->multiply(&product);
}

void vit__attention(const vit__attention_call *call, const vit__gemm *gemm, const vit__workers *workers)
{
    attention_work work = {call, gemm, workers, (call->tokens + QUERIES - 1) / QUERIES};
    if (call->q_norm->weight)
        vit__pool_run(workers->pool, call->items * call->heads, norm_head, &work);
    vit__pool_run(workers->pool, call->items * call->heads * work.chunks, attend, &work);
}
