/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention.h"

#include <string.h>

size_t vit__attention_scratch(size_t tokens, size_t head_dim)
{
    return vit__core_scratch(tokens, head_dim);
}

typedef struct attention_work {
    const vit__attention_call *call;
    const vit__workers *workers;
    size_t runs; /* of the queries of one head, all but the last of one length */
} attention_work;

/* q and k of one token, over all heads. */
static void place_token(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    const vit__kernels *kernels = work->workers->kernels;
    (void)thread;
    size_t width = c->heads * c->head_dim, token = c->first + index;
    size_t runs = c->norm_width ? 1 : c->heads, run = width / runs;
    float *q = c->qkv + token * 3 * width, *k = q + width;
    bool queries = index < c->queries;
    for (size_t i = 0; c->q_norm->weight && i < runs; i++) {
        if (queries)
            vit__norm_row(kernels, c->q_norm, run, q + i * run, q + i * run);
        vit__norm_row(kernels, c->k_norm, run, k + i * run, k + i * run);
    }
    if (!c->rotary->cosines || token < c->rotary_first)
        return;
    size_t place = c->places ? c->places[token] : token;
    for (size_t head = 0; head < c->heads; head++) {
        size_t at = head * c->rotary->head_stride + (place - c->rotary_first) * c->head_dim;
        const float *cosines = c->rotary->cosines + at, *sines = c->rotary->sines + at;
        if (queries)
            kernels->rotate(cosines, sines, c->rotary_half, c->head_dim, q + head * c->head_dim);
        kernels->rotate(cosines, sines, c->rotary_half, c->head_dim, k + head * c->head_dim);
    }
}

void vit__attention_place(const vit__attention_call *call, const vit__workers *workers)
{
    attention_work work = {.call = call, .workers = workers};
    if (call->q_norm->weight || call->rotary->cosines)
        vit__pool_run(workers->pool, call->own, place_token, &work);
}

/* A run of queries of one head. */
static void attend(void *context, size_t index, unsigned thread)
{
    const attention_work *work = context;
    const vit__attention_call *c = work->call;
    size_t run = index % work->runs, head = index / work->runs, width = c->heads * c->head_dim;
    size_t length = (c->queries + work->runs - 1) / work->runs, from = run * length, first = c->first + from;
    const float *q = c->qkv + head * c->head_dim;
    vit__core_call core = {.numbers = c->numbers,
                           .q = q + first * 3 * width,
                           .k = q + width,
                           .v = q + 2 * width,
                           .stride = 3 * width,
                           .queries = c->queries - from < length ? c->queries - from : length,
                           .keys = c->tokens,
                           .head_dim = c->head_dim,
                           .scale = c->scale,
                           .relative = c->relative ? c->relative + head * c->relative_entries : NULL,
                           .relative_index = c->relative ? c->relative_index + (ptrdiff_t)first * c->relative_row
                                                         : NULL,
                           .relative_row = c->relative_row,
                           .hidden = c->hidden,
                           .causal = c->causal,
                           .first_query = first,
                           .y = c->y + from * width + head * c->head_dim,
                           .y_stride = width};
    vit__core_attend(&core, work->workers->kernels, &work->workers->tiles,
                     work->workers->scratch + thread * work->workers->scratch_size);
}

void vit__attention(const vit__attention_call *call, const vit__workers *workers)
{
    attention_work work = {call, workers, (call->queries + VIT__CORE_QUERIES - 1) / VIT__CORE_QUERIES};
    vit__pool_run(workers->pool, call->heads * work.runs, attend, &work);
}

/* ------------------------------------------------------------------ the difference of two ---- */

typedef struct difference_work {
    const vit__attention_call *call;
    const vit__difference *difference;
    const vit__workers *workers;
    float *room; /* [queries, H, d] */
} difference_work;

/* One token: the second halves of its queries into room, zeros in their place. */
static void keep_first_halves(void *context, size_t index, unsigned thread)
{
    const difference_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim, half = c->head_dim / 2;
    for (size_t head = 0; head < c->heads; head++) {
        float *second = c->qkv + (c->first + index) * 3 * width + head * c->head_dim + half;
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
        float *query = c->qkv + (c->first + index) * 3 * width + head * c->head_dim;
        memset(query, 0, half * sizeof *query);
        memcpy(query + half, work->room + index * width + head * c->head_dim + half, half * sizeof *query);
    }
}

/* One token: y = norm(y - lambda * room), head by head. */
static void subtract(void *context, size_t index, unsigned thread)
{
    const difference_work *work = context;
    const vit__attention_call *c = work->call;
    (void)thread;
    size_t width = c->heads * c->head_dim;
    float *y = c->y + index * width;
    for (size_t i = 0; i < width; i++)
        y[i] -= work->difference->lambda * work->room[index * width + i];
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
    vit__pool_run(workers->pool, call->queries, keep_first_halves, &work);
    vit__attention(call, workers);
    vit__pool_run(workers->pool, call->queries, keep_second_halves, &work);
    vit__attention(&second, workers);
    vit__pool_run(workers->pool, call->queries, subtract, &work);
}
