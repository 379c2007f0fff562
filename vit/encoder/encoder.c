/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder of "An Image is Worth 16x16 Words" (Dosovitskiy et al. 2021), in network order:
 *
 *     pixels [3,height,width] -> patches [N,P] -> linear [N,D]         (words: a row of a table for every id)
 *     tokens x [T,D] = class, distillation, registers, patches; + positions
 *     depth times: x += scale1 * attention(norm1(x)); x += scale2 * mlp(norm2(x)) (or post-norm, as Vaswani et al.)
 *     final norm -> x [T,D] -> head
 *
 * Each lane does so for its own tokens. Where the head reads the first tokens alone, the
 * last block finishes those alone, after keys and values of all: their bits are the same.
 */
#include "encoder.h"

#include <math.h>
#include <string.h>

#include "attention.h"
#include "attention_map.h"
#include "head.h"
#include "places.h"
#include "position.h"
#include "rows.h"

/* x = norm(x), so many rows of D */
static void norm(const vit__lane *lane, const vit__norm_weights *weights, size_t rows, float *x)
{
    vit__rows_norm(&lane->workers, weights, rows, lane->model->config.width, x, x);
}

/* What a linear layer reads: the lane's tokens [rows,K], normed on the way if norm->weight is there. */
typedef struct source {
    const float *x;
    const vit__norm_weights *norm; /* NULL: none */
} source;

/* y[rows,N] = epilogue(from[rows,K]), of the tokens that are to be finished; the residual, if any, is laid out as y. */
static vit__gemm_call linear_call(const vit__lane *lane, const vit__linear *layer, source from, vit__epilogue epilogue,
                                  float *y)
{
    epilogue.residual_row = layer->outputs;
    return (vit__gemm_call){.linear = layer,
                            .x = from.x,
                            .norm = from.norm,
                            .y = y,
                            .rows = lane->rows,
                            .x_row = layer->inputs,
                            .y_row = layer->outputs,
                            .epilogue = epilogue};
}

static void linear(const vit__lane *lane, const vit__linear *layer, source from, vit__epilogue epilogue, float *y)
{
    vit__gemm_call call = linear_call(lane, layer, from, epilogue, y);
    lane->model->gemm->apply(&call, &lane->workers);
}

/* Queries of the tokens that are to be finished, keys and values of all that are the lane's. */
static void project_qkv(const vit__lane *lane, const vit__linear *layer, source from, float *qkv)
{
    vit__gemm_call call = linear_call(lane, layer, from, (vit__epilogue){0}, qkv);
    size_t width = layer->outputs / 3;
    if (lane->rows < lane->own && width % VIT__PANEL == 0) {
        call.n_outputs = width;
        lane->model->gemm->apply(&call, &lane->workers);
        call.n_outputs = 0;
        call.first_output = width;
    }
    call.rows = lane->own;
    lane->model->gemm->apply(&call, &lane->workers);
}

/* ------------------------------------------------------------------ into tokens ---- */

/* The lane's patches: those from `first` on, and where their tokens are. */
typedef struct patches {
    const vit__lane *lane;
    size_t first, n;
    float *x;
    size_t grid[2]; /* of the whole picture: rows and columns */
} patches;

static patches own_patches(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    size_t prefix = vit__config_prefix(c), end = lane->first + lane->own;
    size_t from = lane->first > prefix ? lane->first : prefix;
    patches p = {.lane = lane, .first = from - prefix, .n = end > from ? end - from : 0};
    p.x = lane->x + (from - lane->first) * c->width;
    p.grid[0] = lane->input->height / c->patch_height;
    p.grid[1] = lane->input->width / c->patch_width;
    return p;
}

/* Gathers one patch. Where the picture has a size of its own, the patch's position, which follows from it, is laid
 * where the token will be. */
static void gather_patch(void *context, size_t index, unsigned thread)
{
    const patches *p = context;
    const vit__lane *lane = p->lane;
    const vit_config *c = &lane->model->config;
    const vit__picture picture = {lane->input->pixels, lane->input->height, lane->input->width};
    size_t patch = p->first + index;
    vit__rows_patch(c, &picture, patch, lane->wide + index * c->channels * c->patch_height * c->patch_width);
    if (c->patches_most)
        vit__position_row(c, lane->model->weights.positions, p->grid, patch,
                          (double *)(void *)(lane->workers.scratch + thread * lane->workers.scratch_size),
                          p->x + index * c->width);
}

/* Tokens ahead of the patches that carry a position: their rows come first in the table. */
static size_t placed_prefix(const vit_config *c)
{
    return vit__position_rows(c) > vit__config_patches(c) ? vit__position_rows(c) - vit__config_patches(c) : 0;
}

/* Writes those of the lane's tokens that stand before the patches: learned vectors, plus positions for tokens that have
 * one. */
static void write_prefix(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    const float *tokens[] = {w->class_token, w->distillation_token, w->register_tokens};
    size_t counts[] = {c->class_token, c->distillation_token, c->registers}, token = 0, placed = placed_prefix(c);
    for (size_t kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < counts[kind]; i++, token++) {
            if (token < lane->first || token >= lane->first + lane->own)
                continue;
            float *x = lane->x + (token - lane->first) * c->width;
            memcpy(x, tokens[kind] + i * c->width, c->width * sizeof *x);
            if (token < placed)
                lane->workers.kernels->accumulate(w->positions + token * c->width, c->width, x);
        }
}

/* x = tokens with positions; where the patches' embeddings are normed (AIMv2), positions are added after that. */
static void embed_pixels(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    patches p = own_patches(lane);
    vit__pool_run(lane->workers.pool, p.n, gather_patch, &p);

    const float *positions = c->patches_most ? p.x
                             : w->positions  ? w->positions + (placed_prefix(c) + p.first) * c->width
                                             : NULL;
    vit__gemm_call call = {.linear = &w->patch,
                           .x = lane->wide,
                           .y = p.x,
                           .rows = p.n,
                           .x_row = w->patch.inputs,
                           .y_row = c->width,
                           .epilogue = {.residual = c->patch_norm ? NULL : positions, .residual_row = c->width}};
    lane->model->gemm->apply(&call, &lane->workers);
    write_prefix(lane);
    if (c->patch_norm) {
        norm(lane, &w->patch_norm, p.n, p.x);
        if (positions)
            lane->workers.kernels->accumulate(positions, p.n * c->width, p.x);
    }
}

/* How many of the ids ahead of this place take a position, where padding takes none. */
static size_t counted_before(const vit__lane *lane, size_t place)
{
    const vit_config *c = &lane->model->config;
    size_t n = 0;
    for (size_t i = 0; i < place; i++)
        n += (size_t)lane->input->ids[i] + 1 != c->position_first;
    return n;
}

static void embed_words(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    const vit__kernels *kernels = lane->workers.kernels;
    for (size_t i = 0; i < lane->own; i++) {
        float *x = lane->x + i * c->width;
        size_t place = lane->places[lane->first + i];
        bool behind = place == lane->input->length; /* no id, but the class token */
        size_t id = behind ? 0 : (size_t)lane->input->ids[place];
        size_t position = c->position_first + (c->position_counts ? counted_before(lane, place) : place);
        if (c->position_counts && id + 1 == c->position_first)
            position = id;
        memcpy(x, behind ? w->class_token : w->token_table + id * c->width, c->width * sizeof *x);
        if (c->scaled_tokens)
            kernels->scale(x, sqrtf((float)c->width), c->width, x);
        if (w->token_types)
            kernels->accumulate(w->token_types, c->width, x);
        if (w->positions)
            kernels->accumulate(w->positions + position * c->width, c->width, x);
    }
}

static void embed(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    (c->input == VIT__INPUT_TOKENS ? embed_words : embed_pixels)(lane);
    if (c->pre_norm)
        norm(lane, &lane->model->weights.pre_norm, lane->own, lane->x);
}

/* ------------------------------------------------------------------ blocks ---- */

/* Hands out the weights of a block's attention where they were asked for: 0 = the first block. */
static void emit_attention(const vit__lane *lane, const vit__attention_call *call, size_t layer)
{
    const vit__encoder_input *input = lane->input;
    size_t size = call->heads * call->length * call->length;
    for (size_t i = 0; i < input->n_requests; i++)
        if (input->requests[i].output == VIT_OUTPUT_ATTENTION && input->requests[i].layer == layer)
            vit__attention_map(call, &lane->workers, input->requests[i].result + input->index * size);
}

/* Entries of one head in the table of relative positions. */
static size_t relative_entries(const vit_config *c)
{
    if (c->relative_bias == VIT__RELATIVE_NONE || c->relative_bias == VIT__RELATIVE_BUCKETS)
        return c->relative_buckets;
    return vit__position_relative_entries(c->image_height / c->patch_height, c->image_width / c->patch_width);
}

/* Which attention of the model's this is: 0 = that of the first block. */
static size_t pair_of(const vit__lane *lane, const vit__block_weights *w)
{
    return (size_t)(w - lane->model->weights.blocks);
}

/* y = heads of attention over the tokens of one input, whose queries, keys and values are there */
static void attend_input(vit__lane *lane, const vit__block_weights *w)
{
    const vit_config *c = &lane->model->config;
    size_t pair = pair_of(lane, w);
    bool halves = c->attention == VIT__ATTENTION_DIFFERENTIAL, buckets = c->relative_bias == VIT__RELATIVE_BUCKETS;
    vit__attention_call call = {
        .numbers = vit__attention_numbers(lane->model->precision, &lane->workers.tiles),
        .tokens = lane->tokens,
        .first = lane->first,
        .own = lane->own,
        .queries = lane->rows,
        .heads = c->heads,
        .head_dim = c->head_dim,
        .scale = c->unscaled_scores ? 1 : 1.0f / sqrtf((float)(halves ? c->head_dim / 2 : c->head_dim)),
        .qkv = lane->qkv[pair % 2],
        .q_norm = &w->q_norm,
        .k_norm = &w->k_norm,
        .norm_width = c->qk_norm == VIT__QK_NORM_WIDTH,
        .rotary = &w->rotary,
        .rotary_half = c->rotary.half,
        .rotary_first = vit__config_prefix(c),
        .relative = w->relative,
        .relative_index = lane->model->weights.relative_index,
        .relative_row = buckets ? -1 : (ptrdiff_t)lane->tokens,
        .relative_entries = relative_entries(c),
        .hidden = lane->hidden,
        .causal = c->causal,
        .places = lane->places,
        .length = lane->length,
        .y = lane->y};
    vit__attention_place(&call, &lane->workers);
    vit__lane_meet(lane);
    if (halves)
        vit__attention_difference(&call, &w->difference, lane->difference, &lane->workers);
    else
        vit__attention(&call, &lane->workers);
    emit_attention(lane, &call, pair);
}

/* y = heads of attention over the tokens read, before the output projection */
static void attend(vit__lane *lane, const vit__block_weights *w, source from)
{
    size_t row = 3 * vit__config_attention_width(&lane->model->config);
    project_qkv(lane, &w->qkv, from, lane->qkv[pair_of(lane, w) % 2] + lane->first * row);
    for (size_t i = 0; i < lane->n_each; i++)
        attend_input(&lane->each[i], w);
}

/* out = epilogue(projection of what attend() left in y) */
static void project(const vit__lane *lane, const vit__block_weights *w, vit__epilogue epilogue, float *out)
{
    linear(lane, &w->projection, (source){lane->y, &w->attention_norm}, epilogue, out);
}

typedef struct gate_work {
    const vit__lane *lane;
    size_t stride; /* of fc1's outputs */
} gate_work;

/* One token: wide[token][0 .. F) = act(gate) * up */
static void close_gate(void *context, size_t index, unsigned thread)
{
    const gate_work *work = context;
    const vit_config *c = &work->lane->model->config;
    (void)thread;
    float *row = work->lane->wide + index * work->stride;
    work->lane->workers.kernels->gate(row, row + c->mlp_width, c->activation, c->mlp_width, row);
}

/* out[rows,D] = epilogue(fc2(act(fc1(tokens read)))), gated and normed inside where the model asks for it */
static void mlp(const vit__lane *lane, const vit__block_weights *w, source from, vit__epilogue epilogue, float *out)
{
    const vit_config *c = &lane->model->config;
    bool gated = c->mlp == VIT__MLP_GATED;
    linear(lane, &w->fc1, from, (vit__epilogue){.activation = gated ? VIT__ACTIVATION_NONE : c->activation},
           lane->wide);
    gate_work work = {lane, w->fc1.outputs};
    if (gated)
        vit__pool_run(lane->workers.pool, lane->rows, close_gate, &work);
    vit__gemm_call call = linear_call(lane, &w->fc2, (source){lane->wide, &w->mlp_norm}, epilogue, out);
    call.x_row = w->fc1.outputs;
    lane->model->gemm->apply(&call, &lane->workers);
}

/* x += scale1 * attention(norm1(x)); x += scale2 * mlp(norm2(x)) */
static void pre_norm_block(vit__lane *lane, const vit__block_weights *w)
{
    float *x = lane->x;
    attend(lane, w, (source){x, &w->norm1});
    project(lane, w, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    if (w->fc1.outputs != 0)
        mlp(lane, w, (source){x, &w->norm2}, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
}

/* h = norm1(attention(x) + x); x = norm2(mlp(h) + h) */
static void post_norm_block(vit__lane *lane, const vit__block_weights *w)
{
    float *x = lane->x;
    attend(lane, w, (source){x, NULL});
    project(lane, w, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    norm(lane, &w->norm1, lane->rows, x);
    mlp(lane, w, (source){x, NULL}, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
    norm(lane, &w->norm2, lane->rows, x);
}

/* x += scale1 * norm1(attention(x)); x += scale2 * norm2(mlp(x)) */
static void branch_norm_block(vit__lane *lane, const vit__block_weights *w)
{
    float *x = lane->x, *y = lane->y, *wide = lane->wide;
    size_t width = lane->model->config.width;
    attend(lane, w, (source){x, NULL});
    project(lane, w, (vit__epilogue){0}, wide);
    norm(lane, &w->norm1, lane->rows, wide);
    vit__rows_add(&lane->workers, wide, w->scale1, lane->rows, width, x);
    mlp(lane, w, (source){x, NULL}, (vit__epilogue){0}, y);
    norm(lane, &w->norm2, lane->rows, y);
    vit__rows_add(&lane->workers, y, w->scale2, lane->rows, width, x);
}

/* What x is before parts of a block that stand beside each other. */
static const float *keep_start(const vit__lane *lane)
{
    return memcpy(lane->parallel, lane->x, lane->own * lane->model->config.width * sizeof(float));
}

/* x += scale1 * attention(norm1(x)) + scale2 * mlp(norm1(x)) */
static void parallel_block(vit__lane *lane, const vit__block_weights *w)
{
    float *x = lane->x;
    source start = {keep_start(lane), &w->norm1};
    attend(lane, w, start);
    project(lane, w, (vit__epilogue){.scale = w->scale1, .residual = x}, x);
    mlp(lane, w, start, (vit__epilogue){.scale = w->scale2, .residual = x}, x);
}

/* x += sum of scale1 * attention(norm1(x)) over the branches; x += sum of scale2 * mlp(norm2(x)) over them */
static void branches_block(vit__lane *lane, const vit__block_weights *w)
{
    size_t branches = lane->model->config.branches;
    float *x = lane->x;
    const float *start = keep_start(lane);
    for (size_t i = 0; i < branches; i++) {
        attend(lane, &w[i], (source){start, &w[i].norm1});
        project(lane, &w[i], (vit__epilogue){.scale = w[i].scale1, .residual = x}, x);
    }
    keep_start(lane);
    for (size_t i = 0; i < branches; i++)
        mlp(lane, &w[i], (source){start, &w[i].norm2}, (vit__epilogue){.scale = w[i].scale2, .residual = x}, x);
}

static void block(vit__lane *lane, const vit__block_weights *w)
{
    switch (lane->model->config.order) {
    case VIT__BLOCK_PRE_NORM:
        pre_norm_block(lane, w);
        break;
    case VIT__BLOCK_POST_NORM:
        post_norm_block(lane, w);
        break;
    case VIT__BLOCK_BRANCH_NORM:
        branch_norm_block(lane, w);
        break;
    case VIT__BLOCK_PARALLEL:
        parallel_block(lane, w);
        break;
    case VIT__BLOCK_BRANCHES:
        branches_block(lane, w);
        break;
    }
}

/* ------------------------------------------------------------------ the forward pass ---- */

/* Hands out the residual stream where it was asked for: 0 = input of the first block. */
static void emit_hidden(const vit__lane *lane, size_t layer)
{
    const vit__encoder_input *input = lane->input;
    size_t width = lane->model->config.width;
    for (size_t i = 0; i < input->n_requests; i++)
        if (input->requests[i].output == VIT_OUTPUT_HIDDEN && input->requests[i].layer == layer)
            vit__places_spread(lane, lane->x, width, input->requests[i].result + input->index * lane->length * width);
}

/* How many of the lane's tokens are among the first n of the input. */
static size_t among(const vit__lane *lane, size_t n)
{
    size_t most = n > lane->first ? n - lane->first : 0;
    return most < lane->own ? most : lane->own;
}

/* The last block finishes of each input the tokens that its outputs read. Rows of several inputs then are no longer one
 * after the other. */
static void last_block(vit__lane *lane, const vit__block_weights *w)
{
    bool all = true;
    for (size_t i = 0; i < lane->n_each; i++) {
        vit__lane *one = &lane->each[i];
        one->rows = among(one, vit__head_tokens(one));
        all &= one->rows == one->own;
    }
    if (all)
        block(lane, w);
    for (size_t i = 0; i < lane->n_each && !all; i++)
        block(&lane->each[i], w);
}

static void emit_hidden_of_each(const vit__lane *lane, size_t layer)
{
    for (size_t i = 0; i < lane->n_each; i++)
        emit_hidden(&lane->each[i], layer);
}

/* The outputs of one input. */
static void finish(vit__lane *lane)
{
    if (lane->model->config.final_norm)
        norm(lane, &lane->model->weights.final_norm, lane->rows, lane->x);
    vit__head_prepare(lane);
    vit__lane_meet(lane);
    if (lane->leads)
        vit__head_run(lane);
}

void vit__encoder_run(vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    for (size_t i = 0; i < lane->n_each; i++)
        embed(&lane->each[i]);
    emit_hidden_of_each(lane, 0);
    for (size_t i = 0; i < c->depth; i++) {
        (i + 1 < c->depth ? block : last_block)(lane, &w->blocks[i * (vit__config_pairs(c) / c->depth)]);
        emit_hidden_of_each(lane, i + 1);
    }
    for (size_t i = 0; i < lane->n_each; i++)
        finish(&lane->each[i]);
}
