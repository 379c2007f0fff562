/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention.h"

#include <string.h>

#include "attention_core.h"

size_t vit__attention_scratch(size_t tokens, size_t head_dim)
{
    return vit__core_scratch(tokens, head_dim);
}

typedef struct attention_work {
    const vit__attention_call *call;
    const vit__workers *workers;
    size_t runs; /* of the queries of one head */
} attention_work;

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

/* A run of queries of one head of one image. */
static void attend(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    size_t run = index % work->runs, rest = index / work->runs;
    size_t head = rest % c->heads, item = rest / c->heads;
    size_t width = c->heads * c->head_dim, tokens = c->tokens;
    size_t length = (c->queries + work->runs - 1) / work->runs, first = run * length;
    const float *q = c->qkv + item * tokens * 3 * width + head * c->head_dim;
    vit__core_call core = {
        .precision = c->precision, .q = q + first * 3 * width, .k = q + width, .v = q + 2 * width, .stride = 3 * width,
        .queries = c->queries - first < length ? c->queries - first : length, .keys = tokens, .head_dim = c->head_dim,
        .scale = c->scale,
        .relative = c->relative ? c->relative + head * c->relative_entries : NULL,
        .relative_index = c->relative ? c->relative_index + first * tokens : NULL,
        .causal = c->causal, .first_query = first,
        .y = c->y + (item * tokens + first) * width + head * c->head_dim, .y_stride = width};
    vit__core_attend(&core, work->workers->kernels, &work->workers->tiles,
                     work->workers->scratch + thread * work->workers->scratch_size);
}

void vit__attention(const vit__attention_call *call, const vit__workers *workers)
{
    attention_work work = {call, workers, (call->queries + VIT__CORE_QUERIES - 1) / VIT__CORE_QUERIES};
    if (call->q_norm->weight || call->rotary->cosines)
        vit__pool_run(workers->pool, call->items * call->tokens, prepare_token, &work);
    vit__pool_run(workers->pool, call->items * call->heads * work.runs, attend, &work);
}

/* ------------------------------------------------------------------ the difference of two ---- */

typedef struct difference_work {
    const vit__attention_call *call;
    const vit__difference *difference;
    const vit__workers *workers;
    float *room; /* [B, T, H, d] */
} difference_work;

/* One token: the second halves of its queries into room, zeros in their place. */
static void keep_first_halves(void *context, size_t index, unsigned thread)
{
    const difference_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, half = c->head_dim / 2;
    for (size_t head = 0; head < c->heads; head++) {
        float *second = c->qkv + index * 3 * width + head * c->head_dim + half;
        memcpy(work->room + index * width + head * c->head_dim + half, second, half * sizeof *second);
        memset(second, 0, half * sizeof *second);
    }
}

/* And back, with zeros in place of the first. */
static void keep_second_halves(void *context, size_t index, unsigned thread)
{
    const difference_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, half = c->head_dim / 2;
    for (size_t head = 0; head < c->heads; head++) {
        float *query = c->qkv + index * 3 * width + head * c->head_dim;
        memset(query, 0, half * sizeof *query);
        memcpy(query + half, work->room + index * width + head * c->head_dim + half, half * sizeof *query);
    }
}

/* One token with an output: y = norm(y - lambda * room), head by head. */
static void subtract(void *context, size_t index, unsigned thread)
{
    const difference_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, token = index / c->queries * c->tokens + index % c->queries;
    float *y = c->y + token * width;
    for (size_t i = 0; i < width; i++)
        y[i] -= work->difference->lambda * work->room[token * width + i];
    for (size_t head = 0; head < c->heads; head++)
        vit__norm_row(work->workers->kernels, &work->difference->norm, c->head_dim, y + head * c->head_dim,
                      y + head * c->head_dim);
}

void vit__attention_difference(const vit__attention_call *call, const vit__difference *difference, float *room,
                               const vit__workers *workers)
{
    difference_work work = {call, difference, workers, room};
    vit__attention_call second = *call;
    second.y = room;
    size_t tokens = call->items * call->tokens;
    vit__pool_run(workers->pool, tokens, keep_first_halves, &work);
    vit__attention(call, workers);
    vit__pool_run(workers->pool, tokens, keep_second_halves, &work);
    vit__attention(&second, workers);
    vit__pool_run(workers->pool, call->items * call->queries, subtract, &work);
}
