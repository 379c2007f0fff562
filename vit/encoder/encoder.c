/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder of "An Image is Worth 16x16 Words" (Dosovitskiy et al. 2021), in network order:
 *
 *     pixels [B,3,height,width] -> patches [B,N,P] -> linear [B,N,D]         (words: a row of a table for every id)
 *     tokens x [B,T,D] = class, distillation, registers, patches; + positions
 *     depth times: x += scale1 * attention(norm1(x)); x += scale2 * mlp(norm2(x))     (or post-norm, as Vaswani et al.)
 *     final norm -> y [B,T,D] -> head
 *
 * Where the head reads the first tokens alone, the last block finishes those alone, after keys and values of all: their
 * bits are the same.
 */
#include "encoder.h"

#include <math.h>
#include <string.h>

#include "attention.h"
#include "attention_map.h"
#include "head.h"
#include "position.h"

#define NORM_ROWS 16 /* rows a task norms */

typedef struct norm_work {
    const vit__lane *lane;
    const vit__norm_weights *norm;
    const float *x;
    float *y;
    size_t rows, width;
    size_t item_rows, item_stride; /* rows of an item that are normed, and from item to item */
} norm_work;

static void norm_rows(void *context, size_t index, unsigned thread)
{
    const norm_work *work = context;
    (void)thread;
    size_t last = (index + 1) * NORM_ROWS < work->rows ? (index + 1) * NORM_ROWS : work->rows;
    for (size_t row = index * NORM_ROWS; row < last; row++) {
        size_t at = (row / work->item_rows * work->item_stride + row % work->item_rows) * work->width;
        vit__norm_row(work->lane->workers.kernels, work->norm, work->width, work->x + at, work->y + at);
    }
}

static void run_norm(const vit__lane *lane, const norm_work *work)
{
    vit__pool_run(lane->workers.pool, (work->rows + NORM_ROWS - 1) / NORM_ROWS, norm_rows, (void *)(uintptr_t)work);
}

/* y = norm(x) over the tokens that are to be finished, rows of `width`; y may be x. */
static void norm(const vit__lane *lane, const vit__norm_weights *weights, size_t items, size_t width,
                 const float *x, float *y)
{
    norm_work work = {lane, weights, x, y, items * lane->rows, width, lane->rows, lane->tokens};
    run_norm(lane, &work);
}

/* What a linear layer reads: tokens [B,T,K], normed on the way if norm->weight is there. */
typedef struct source {
    const float *x;
    const vit__norm_weights *norm; /* NULL: none */
} source;

/* y[B,T,N] = epilogue(from[B,T,K]), of the tokens that are to be finished; the residual, if any, is laid out as y. */
static vit__gemm_call linear_call(const vit__lane *lane, const vit__linear *layer, size_t items, source from,
                                  vit__epilogue epilogue, float *y)
{
    size_t tokens = lane->tokens;
    epilogue.residual_stride = tokens * layer->outputs;
    epilogue.residual_row = layer->outputs;
    return (vit__gemm_call){.linear = layer, .x = from.x, .norm = from.norm, .y = y, .items = items,
                            .rows = lane->rows, .x_stride = tokens * layer->inputs,
                            .y_stride = tokens * layer->outputs, .x_row = layer->inputs, .y_row = layer->outputs,
                            .epilogue = epilogue};
}

static void linear(const vit__lane *lane, const vit__linear *layer, size_t items, source from, vit__epilogue epilogue,
                   float *y)
{
    vit__gemm_call call = linear_call(lane, layer, items, from, epilogue, y);
    lane->model->gemm->apply(&call, &lane->workers);
}

/* Queries of the tokens that are to be finished, keys and values of all. */
static void project_qkv(const vit__lane *lane, const vit__linear *layer, size_t items, source from, float *qkv)
{
    vit__gemm_call call = linear_call(lane, layer, items, from, (vit__epilogue){0}, qkv);
    size_t width = layer->outputs / 3;
    if (lane->rows < lane->tokens && width % VIT__PANEL == 0) {
        call.n_outputs = width;
        lane->model->gemm->apply(&call, &lane->workers);
        call.n_outputs = 0;
        call.first_output = width;
    }
    call.rows = lane->tokens;
    lane->model->gemm->apply(&call, &lane->workers);
}

/* ------------------------------------------------------------------ into tokens ---- */

typedef struct patch_work {
    const vit__lane *lane;
    const float *pixels;
} patch_work;

/* Gathers one row of patches of one image: each patch becomes P = 3 * patch_height * patch_width values in the order of
 * a convolution kernel: channel, row, column. Pixels right of and below the last whole patch are not read. */
static void gather_patches(void *context, size_t index, unsigned thread)
{
    const patch_work *work = context;
    const vit_config *c = &work->lane->model->config;
    (void)thread;
    size_t across = c->image_width / c->patch_width, down = c->image_height / c->patch_height;
    size_t item = index / down, patch_row = index % down;
    size_t plane = c->image_height * c->image_width;
    float *out = work->lane->wide + index * across * c->channels * c->patch_height * c->patch_width;
    for (size_t patch = 0; patch < across; patch++)
        for (size_t channel = 0; channel < c->channels; channel++)
            for (size_t row = 0; row < c->patch_height; row++, out += c->patch_width)
                memcpy(out,
                       work->pixels + (item * c->channels + channel) * plane +
                           (patch_row * c->patch_height + row) * c->image_width + patch * c->patch_width,
                       c->patch_width * sizeof *out);
}

/* Tokens ahead of the patches that carry a position: their rows come first in the table. */
static size_t placed_prefix(const vit_config *c)
{
    return vit__position_rows(c) > vit__config_patches(c) ? vit__position_rows(c) - vit__config_patches(c) : 0;
}

/* The tokens before the patches: learned vectors, plus their positions where they carry one. */
static void write_prefix(const vit__lane *lane, size_t item)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    float *out = lane->x + item * lane->tokens * c->width;
    const float *tokens[] = {w->class_token, w->distillation_token, w->register_tokens};
    size_t counts[] = {c->class_token, c->distillation_token, c->registers}, token = 0, placed = placed_prefix(c);
    for (size_t kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < counts[kind]; i++, token++) {
            memcpy(out + token * c->width, tokens[kind] + i * c->width, c->width * sizeof *out);
            if (token < placed)
                lane->workers.kernels->accumulate(w->positions + token * c->width, c->width,
                                                     out + token * c->width);
        }
}

/* Norms the patches' embeddings before their positions are added (AIMv2). */
static void norm_patches(const vit__lane *lane, size_t items)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    size_t prefix = vit__config_prefix(c), patches = vit__config_patches(c);
    for (size_t i = 0; i < items; i++) {
        float *x = lane->x + (i * lane->tokens + prefix) * c->width;
        norm_work work = {lane, &w->patch_norm, x, x, patches, c->width, patches, patches};
        run_norm(lane, &work);
        if (w->positions)
            lane->workers.kernels->accumulate(w->positions + placed_prefix(c) * c->width, patches * c->width, x);
    }
}

/* x = tokens with positions */
static void embed_pixels(vit__lane *lane, const vit__encoder_batch *batch)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    size_t patches = vit__config_patches(c), prefix = vit__config_prefix(c); /* N */
    patch_work work = {lane, batch->pixels};
    vit__pool_run(lane->workers.pool, batch->items * (c->image_height / c->patch_height), gather_patches, &work);

    bool placed = w->positions && !c->patch_norm;
    vit__gemm_call call = {.linear = &w->patch, .x = lane->wide, .y = lane->x + prefix * c->width,
                           .items = batch->items, .rows = patches, .x_stride = patches * w->patch.inputs,
                           .y_stride = lane->tokens * c->width, .x_row = w->patch.inputs, .y_row = c->width,
                           .epilogue = {.residual = placed ? w->positions + placed_prefix(c) * c->width : NULL,
                                        .residual_row = c->width}};
    lane->model->gemm->apply(&call, &lane->workers);
    for (size_t i = 0; i < batch->items; i++)
        write_prefix(lane, i);
    if (c->patch_norm)
        norm_patches(lane, batch->items);
}

static void embed_words(vit__lane *lane, const vit__encoder_batch *batch)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    for (size_t i = 0; i < batch->items * batch->length; i++) {
        float *x = lane->x + i * c->width;
        memcpy(x, w->token_table + (size_t)batch->ids[i] * c->width, c->width * sizeof *x);
        if (w->positions)
            lane->workers.kernels->accumulate(w->positions + i % batch->length * c->width, c->width, x);
    }
}

static void embed(vit__lane *lane, const vit__encoder_batch *batch)
{
    const vit_config *c = &lane->model->config;
    (c->input == VIT__INPUT_TOKENS ? embed_words : embed_pixels)(lane, batch);
    if (c->pre_norm)
        norm(lane, &lane->model->weights.pre_norm, batch->items, c->width, lane->x, lane->x);
}

/* ------------------------------------------------------------------ blocks ---- */

/* Hands out the weights of a block's attention where they were asked for: 0 = the first block. */
static void emit_attention(const vit__lane *lane, const vit__attention_call *call, size_t layer)
{
    const vit__encoder_batch *batch = lane->batch;
    size_t size = call->heads * call->tokens * call->tokens;
    for (size_t i = 0; i < batch->n_requests; i++)
        if (batch->requests[i].output == VIT_OUTPUT_ATTENTION && batch->requests[i].layer == layer)
            vit__attention_map(call, &lane->workers, batch->requests[i].result + batch->first * size);
}

/* Attention's products are a few hundredths of the work and much of bf16's error: one step wider than the matrices. */
static vit_precision attention_precision(vit_precision precision)
{
    return precision == VIT_PRECISION_INT8 ? VIT_PRECISION_BF16 : VIT_PRECISION_F32;
}

/* y = heads of attention over the tokens read, before the output projection */
static void attend(vit__lane *lane, const vit__block_weights *w, size_t items, source from)
{
    const vit_config *c = &lane->model->config;
    project_qkv(lane, &w->qkv, items, from, lane->wide);
    vit__attention_call call = {
        .precision = attention_precision(lane->model->precision), .items = items, .tokens = lane->tokens, .queries = lane->rows,
        .heads = c->heads, .head_dim = c->head_dim, .qkv = lane->wide,
        .q_norm = &w->q_norm, .k_norm = &w->k_norm, .norm_width = c->qk_norm == VIT__QK_NORM_WIDTH,
        .rotary = &w->rotary, .rotary_half = c->rotary.half, .rotary_first = vit__config_prefix(c),
        .relative = w->relative, .relative_index = lane->model->weights.relative_index,
        .relative_entries = c->relative_bias ? vit__position_relative_entries(c->image_height / c->patch_height,
                                                                              c->image_width / c->patch_width)
                                             : 0,
        .causal = c->causal, .y = lane->y};
    bool halves = c->attention == VIT__ATTENTION_DIFFERENTIAL;
    call.scale = 1.0f / sqrtf((float)(halves ? c->head_dim / 2 : c->head_dim));
    if (halves)
        vit__attention_difference(&call, &w->difference, lane->difference, &lane->workers);
    else
        vit__attention(&call, &lane->workers);
    emit_attention(lane, &call, (size_t)(w - lane->model->weights.blocks));
}

/* out = epilogue(projection of what attend() left in y) */
static void project(const vit__lane *lane, const vit__block_weights *w, size_t items, vit__epilogue epilogue, float *out)
{
    linear(lane, &w->projection, items, (source){lane->y, &w->attention_norm}, epilogue, out);
}

typedef struct gate_work {
    const vit__lane *lane;
    const vit__block_weights *weights;
} gate_work;

/* Where the index-th of the tokens that are to be finished lies among all. */
static size_t token_at(const vit__lane *lane, size_t index)
{
    return index / lane->rows * lane->tokens + index % lane->rows;
}

/* One token: wide[token][0 .. F) = act(gate) * up. Rows keep their distance of fc1's outputs. */
static void close_gate(void *context, size_t index, unsigned thread)
{
    const gate_work *work = context;
    const vit_config *c = &work->lane->model->config;
    (void)thread;
    float *row = work->lane->wide + token_at(work->lane, index) * work->weights->fc1.outputs;
    work->lane->workers.kernels->gate(row, row + c->mlp_width, c->activation, c->mlp_width, row);
}

/* out[B,T,D] = epilogue(fc2(act(fc1(tokens read)))), gated and normed inside where the model asks for it */
static void mlp(vit__lane *lane, const vit__block_weights *w, size_t items, source from, vit__epilogue epilogue,
                float *out)
{
    const vit_config *c = &lane->model->config;
    bool gated = c->mlp == VIT__MLP_GATED;
    linear(lane, &w->fc1, items, from, (vit__epilogue){.activation = gated ? VIT__ACTIVATION_NONE : c->activation},
           lane->wide);
    gate_work work = {lane, w};
    if (gated)
        vit__pool_run(lane->workers.pool, items * lane->rows, close_gate, &work);
    vit__gemm_call call = linear_call(lane, &w->fc2, items, (source){lane->wide, &w->mlp_norm}, epilogue, out);
    call.x_stride = lane->tokens * w->fc1.outputs;
    call.x_row = w->fc1.outputs;
    lane->model->gemm->apply(&call, &lane->workers);
}

/* x += scale1 * attention(norm1(x)); x += scale2 * mlp(norm2(x)) */
static void pre_norm_block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    float *x = lane->x;
    attend(lane, w, items, (source){x, &w->norm1});
    project(lane, w, items, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    if (w->fc1.outputs != 0)
        mlp(lane, w, items, (source){x, &w->norm2}, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
}

/* h = norm1(attention(x) + x); x = norm2(mlp(h) + h) */
static void post_norm_block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    size_t width = lane->model->config.width;
    float *x = lane->x;
    attend(lane, w, items, (source){x, NULL});
    project(lane, w, items, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    norm(lane, &w->norm1, items, width, x, x);
    mlp(lane, w, items, (source){x, NULL}, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
    norm(lane, &w->norm2, items, width, x, x);
}

typedef struct branch_work {
    const vit__lane *lane;
    const float *branch; /* [B, T, D] */
    const float *scale;
} branch_work;

/* x += scale * branch, one token */
static void add_branch(void *context, size_t index, unsigned thread)
{
    const branch_work *work = context;
    size_t width = work->lane->model->config.width, token = token_at(work->lane, index);
    (void)thread;
    float *x = work->lane->x + token * width;
    vit__epilogue_row row = {.scale = work->scale, .residual = x};
    work->lane->workers.kernels->epilogue(work->branch + token * width, &row, width, x);
}

/* x += scale1 * norm1(attention(x)); x += scale2 * norm2(mlp(x)) */
static void branch_norm_block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    size_t width = lane->model->config.width;
    float *x = lane->x, *y = lane->y, *wide = lane->wide;
    branch_work add_attention = {lane, wide, w->scale1}, add_mlp = {lane, y, w->scale2};
    attend(lane, w, items, (source){x, NULL});
    project(lane, w, items, (vit__epilogue){0}, wide);
    norm(lane, &w->norm1, items, width, wide, wide);
    vit__pool_run(lane->workers.pool, items * lane->rows, add_branch, &add_attention);
    mlp(lane, w, items, (source){x, NULL}, (vit__epilogue){0}, y);
    norm(lane, &w->norm2, items, width, y, y);
    vit__pool_run(lane->workers.pool, items * lane->rows, add_branch, &add_mlp);
}

/* What x is before a block whose parts stand beside each other. */
static const float *keep_start(const vit__lane *lane, size_t items)
{
    return memcpy(lane->parallel, lane->x, items * lane->tokens * lane->model->config.width * sizeof(float));
}

/* x += scale1 * attention(norm1(x)) + scale2 * mlp(norm1(x)) */
static void parallel_block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    float *x = lane->x;
    source start = {keep_start(lane, items), &w->norm1};
    attend(lane, w, items, start);
    project(lane, w, items, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    mlp(lane, w, items, start, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
}

/* x += sum of scale1 * attention(norm1(x)) over the branches; x += sum of scale2 * mlp(norm2(x)) over them */
static void branches_block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    size_t branches = lane->model->config.branches;
    float *x = lane->x;
    const float *start = keep_start(lane, items);
    for (size_t i = 0; i < branches; i++) {
        attend(lane, &w[i], items, (source){start, &w[i].norm1});
        project(lane, &w[i], items, (vit__epilogue){.scale = w[i].scale1, .residual = x}, x);
    }
    keep_start(lane, items);
    for (size_t i = 0; i < branches; i++)
        mlp(lane, &w[i], items, (source){start, &w[i].norm2}, (vit__epilogue){.scale = w[i].scale2, .residual = x}, x);
}

static void block(vit__lane *lane, const vit__block_weights *w, size_t items)
{
    switch (lane->model->config.order) {
    case VIT__BLOCK_PRE_NORM:
        pre_norm_block(lane, w, items);
        break;
    case VIT__BLOCK_POST_NORM:
        post_norm_block(lane, w, items);
        break;
    case VIT__BLOCK_BRANCH_NORM:
        branch_norm_block(lane, w, items);
        break;
    case VIT__BLOCK_PARALLEL:
        parallel_block(lane, w, items);
        break;
    case VIT__BLOCK_BRANCHES:
        branches_block(lane, w, items);
        break;
    }
}

/* ------------------------------------------------------------------ the forward pass ---- */

/* Hands out the residual stream where it was asked for: 0 = input of the first block. */
static void emit_hidden(const vit__lane *lane, const vit__encoder_batch *batch, size_t layer)
{
    size_t size = lane->tokens * lane->model->config.width;
    for (size_t i = 0; i < batch->n_requests; i++)
        if (batch->requests[i].output == VIT_OUTPUT_HIDDEN && batch->requests[i].layer == layer)
            memcpy(batch->requests[i].result + batch->first * size, lane->x, batch->items * size * sizeof(float));
}

void vit__encoder_run(vit__lane *lane, const vit__encoder_batch *batch)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    lane->tokens = c->input == VIT__INPUT_TOKENS ? batch->length : vit__config_tokens(c); /* T */
    lane->rows = lane->tokens;
    lane->batch = batch;
    embed(lane, batch);
    emit_hidden(lane, batch, 0);
    for (size_t i = 0; i < c->depth; i++) {
        if (i + 1 == c->depth && lane->model->gemm->any_rows)
            lane->rows = vit__head_tokens(lane, batch);
        block(lane, &w->blocks[i * (vit__config_pairs(c) / c->depth)], batch->items);
        emit_hidden(lane, batch, i + 1);
    }
    if (c->final_norm)
        norm(lane, &w->final_norm, batch->items, c->width, lane->x, lane->y);
    else
        memcpy(lane->y, lane->x, batch->items * lane->tokens * c->width * sizeof *lane->y);
    vit__head_run(lane, batch);
}
