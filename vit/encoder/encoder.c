/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder of "An Image is Worth 16x16 Words" (Dosovitskiy et al. 2021), in network order:
 *
 *     pixels [B,3,height,width] -> patches [B,N,P] -> linear [B,N,D]
 *     tokens x [B,T,D] = class, distillation, registers, patches; + positions
 *     depth times: x += scale1 * attention(norm1(x)); x += scale2 * mlp(norm2(x))     (or post-norm, as Vaswani et al.)
 *     final norm -> y [B,T,D] -> head
 */
#include "encoder.h"

#include <string.h>

#include "attention.h"
#include "head.h"

#define NORM_ROWS 16 /* rows a task norms */

typedef struct norm_work {
    const vit_session *session;
    const vit__norm_weights *norm;
    const float *x;
    float *y;
    size_t rows;
} norm_work;

static void norm_rows(void *context, size_t index, unsigned thread)
{
    const norm_work *work = context;
    const vit_config *c = &work->session->model->config;
    (void)thread;
    size_t last = (index + 1) * NORM_ROWS < work->rows ? (index + 1) * NORM_ROWS : work->rows;
    for (size_t row = index * NORM_ROWS; row < last; row++)
        work->session->workers.kernels->layer_norm(work->x + row * c->width, work->norm->weight, work->norm->bias,
                                                   (float)c->norm_eps, c->width, work->y + row * c->width);
}

/* y = norm(x) over all tokens; y may be x. */
static void norm(const vit_session *session, const vit__norm_weights *weights, size_t items, const float *x, float *y)
{
    norm_work work = {session, weights, x, y, items * vit__config_tokens(&session->model->config)};
    vit__pool_run(session->workers.pool, (work.rows + NORM_ROWS - 1) / NORM_ROWS, norm_rows, &work);
}

/* y[B,T,N] = epilogue(x[B,T,K]) over all tokens; the residual, if any, is laid out as y. */
static void linear(const vit_session *session, const vit__linear *layer, size_t items, const float *x,
                   vit__epilogue epilogue, float *y)
{
    size_t tokens = vit__config_tokens(&session->model->config);
    epilogue.residual_stride = tokens * layer->outputs;
    epilogue.residual_row = layer->outputs;
    vit__gemm_call call = {.linear = layer, .x = x, .y = y, .items = items, .rows = tokens,
                           .x_stride = tokens * layer->inputs, .y_stride = tokens * layer->outputs,
                           .x_row = layer->inputs, .y_row = layer->outputs, .epilogue = epilogue};
    session->model->gemm->apply(&call, &session->workers);
}

typedef struct patch_work {
    const vit_session *session;
    const float *pixels;
} patch_work;

/* Gathers one row of patches of one image: each patch becomes P = 3 * patch_height * patch_width values in the order of
 * a convolution kernel: channel, row, column. Pixels right of and below the last whole patch are not read. */
static void gather_patches(void *context, size_t index, unsigned thread)
{
    const patch_work *work = context;
    const vit_config *c = &work->session->model->config;
    (void)thread;
    size_t across = c->image_width / c->patch_width, down = c->image_height / c->patch_height;
    size_t item = index / down, patch_row = index % down;
    size_t plane = c->image_height * c->image_width;
    float *out = work->session->wide + index * across * c->channels * c->patch_height * c->patch_width;
    for (size_t patch = 0; patch < across; patch++)
        for (size_t channel = 0; channel < c->channels; channel++)
            for (size_t row = 0; row < c->patch_height; row++, out += c->patch_width)
                memcpy(out,
                       work->pixels + (item * c->channels + channel) * plane +
                           (patch_row * c->patch_height + row) * c->image_width + patch * c->patch_width,
                       c->patch_width * sizeof *out);
}

/* The tokens before the patches: learned vectors, plus their positions where they carry one. */
static void write_prefix(const vit_session *session, size_t item)
{
    const vit_config *c = &session->model->config;
    const vit__weights *w = &session->model->weights;
    float *out = session->x + item * vit__config_tokens(c) * c->width;
    const float *tokens[] = {w->class_token, w->distillation_token, w->register_tokens};
    size_t counts[] = {c->class_token, c->distillation_token, c->registers}, token = 0;
    bool placed = c->position == VIT__POSITION_LEARNED_ALL || c->position == VIT__POSITION_SINCOS;
    for (size_t kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < counts[kind]; i++, token++) {
            memcpy(out + token * c->width, tokens[kind] + i * c->width, c->width * sizeof *out);
            if (placed)
                session->workers.kernels->accumulate(w->positions + token * c->width, c->width,
                                                     out + token * c->width);
        }
}

/* x = tokens with positions */
static void embed(vit_session *session, const vit__encoder_batch *batch)
{
    const vit_config *c = &session->model->config;
    const vit__weights *w = &session->model->weights;
    size_t patches = vit__config_patches(c), prefix = vit__config_prefix(c), tokens = prefix + patches; /* N, T */
    patch_work work = {session, batch->pixels};
    vit__pool_run(session->workers.pool, batch->items * (c->image_height / c->patch_height), gather_patches, &work);

    bool placed = c->position != VIT__POSITION_NONE;
    size_t first = c->position == VIT__POSITION_LEARNED_PATCHES ? 0 : prefix; /* row of the first patch's position */
    vit__gemm_call call = {.linear = &w->patch, .x = session->wide, .y = session->x + prefix * c->width,
                           .items = batch->items, .rows = patches, .x_stride = patches * w->patch.inputs,
                           .y_stride = tokens * c->width, .x_row = w->patch.inputs, .y_row = c->width,
                           .epilogue = {.residual = placed ? w->positions + first * c->width : NULL,
                                        .residual_row = c->width}};
    session->model->gemm->apply(&call, &session->workers);
    for (size_t i = 0; i < batch->items; i++)
        write_prefix(session, i);
    if (c->pre_norm)
        norm(session, &w->pre_norm, batch->items, session->x, session->x);
}

/* y = heads of attention over the tokens in x, before the output projection */
static void attend(vit_session *session, const vit__block_weights *w, size_t items, const float *x)
{
    const vit_config *c = &session->model->config;
    linear(session, &w->qkv, items, x, (vit__epilogue){0}, session->wide);
    vit__attention_call call = {.items = items, .tokens = vit__config_tokens(c), .heads = c->heads,
                                .head_dim = c->head_dim, .qkv = session->wide, .q_norm = &w->q_norm,
                                .k_norm = &w->k_norm, .norm_eps = (float)c->norm_eps, .y = session->y};
    vit__attention(&call, session->model->gemm, &session->workers);
}

static void block(vit_session *session, const vit__block_weights *w, size_t items)
{
    const vit_config *c = &session->model->config;
    float *x = session->x, *y = session->y, *wide = session->wide;
    bool pre = c->order == VIT__BLOCK_PRE_NORM;
    vit__epilogue add_attention = {.scale = w->scale1, .residual = x}, add_mlp = {.scale = w->scale2, .residual = x};

    if (pre)
        norm(session, &w->norm1, items, x, y);
    attend(session, w, items, pre ? y : x);
    linear(session, &w->projection, items, y, add_attention, x);
    norm(session, pre ? &w->norm2 : &w->norm1, items, x, pre ? y : x);
    linear(session, &w->fc1, items, pre ? y : x, (vit__epilogue){.activation = c->activation}, wide);
    linear(session, &w->fc2, items, wide, add_mlp, x);
    if (!pre)
        norm(session, &w->norm2, items, x, x);
}

/* Hands out the residual stream where it was asked for: 0 = input of the first block. */
static void emit_hidden(const vit_session *session, const vit__encoder_batch *batch, size_t layer)
{
    const vit_config *c = &session->model->config;
    size_t size = vit__config_tokens(c) * c->width;
    for (size_t i = 0; i < batch->n_requests; i++)
        if (batch->requests[i].output == VIT_OUTPUT_HIDDEN && batch->requests[i].layer == layer)
            memcpy(batch->requests[i].result + batch->first * size, session->x, batch->items * size * sizeof(float));
}

void vit__encoder_run(vit_session *session, const vit__encoder_batch *batch)
{
    const vit_config *c = &session->model->config;
    const vit__weights *w = &session->model->weights;
    embed(session, batch);
    emit_hidden(session, batch, 0);
    for (size_t i = 0; i < c->depth; i++) {
        block(session, &w->blocks[i], batch->items);
        emit_hidden(session, batch, i + 1);
    }
    if (c->final_norm)
        norm(session, &w->final_norm, batch->items, session->x, session->y);
    else
        memcpy(session->y, session->x, batch->items * vit__config_tokens(c) * c->width * sizeof(float));
    vit__head_run(session, batch);
}
