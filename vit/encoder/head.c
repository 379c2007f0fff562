/* SPDX-License-Identifier: BSD-2-Clause */
#include "head.h"

#include <math.h>
#include <string.h>

#include "attention.h"
#include "outputs.h"

/* mean = average of tokens [from, to) of one input */
static void mean_of_tokens(const vit_session *session, size_t item, size_t from, size_t to, float *mean)
{
    size_t width = session->model->config.width;
    memset(mean, 0, width * sizeof *mean);
    for (size_t t = from; t < to; t++)
        session->workers.kernels->accumulate(session->y + (item * session->tokens + t) * width, width, mean);
    for (size_t i = 0; i < width; i++)
        mean[i] /= (float)(to - from);
}

/* max = largest value of every channel over tokens [from, to) of one input */
static void max_of_tokens(const vit_session *session, size_t item, size_t from, size_t to, float *max)
{
    size_t width = session->model->config.width;
    const float *first = session->y + (item * session->tokens + from) * width;
    memcpy(max, first, width * sizeof *max);
    for (size_t t = 1; t < to - from; t++)
        for (size_t i = 0; i < width; i++)
            max[i] = max[i] > first[t * width + i] || isnan(max[i]) ? max[i] : first[t * width + i];
}

static void copy_token(const vit_session *session, size_t item, size_t token, float *out)
{
    size_t width = session->model->config.width;
    memcpy(out, session->y + (item * session->tokens + token) * width, width * sizeof *out);
}

/* y[items, outputs] = residual + act(W x + b), one vector an input, x_stride floats apart; residual laid out as y */
static void linear(const vit_session *session, const vit__linear *layer, vit__epilogue epilogue, size_t items,
                   const float *x, size_t x_stride, float *y)
{
    epilogue.residual_stride = epilogue.residual_row = layer->outputs;
    vit__gemm_call call = {.linear = layer, .x = x, .y = y, .items = items, .rows = 1, .x_stride = x_stride,
                           .y_stride = layer->outputs, .x_row = layer->inputs, .y_row = layer->outputs,
                           .epilogue = epilogue};
    session->model->gemm->apply(&call, &session->workers);
}

/* ------------------------------------------------------------------ pooling ---- */

/* The token that stands for a text: its first end, the first of its largest ids, or the last. */
static size_t text_token(const vit_config *c, vit__pooling pooling, const int32_t *ids, size_t length)
{
    size_t largest = 0;
    if (pooling == VIT__POOL_LAST)
        return length - 1;
    for (size_t i = 0; i < length; i++) {
        if (pooling == VIT__POOL_END && (size_t)ids[i] == c->end_token)
            return i;
        if (ids[i] > ids[largest])
            largest = i;
    }
    return pooling == VIT__POOL_LARGEST ? largest : 0; /* without an end: token 0, as torch's argmax of no matches */
}

/* Tokens that an attention pool does not see. */
static size_t unseen(const vit_config *c)
{
    return c->pool_skips_prefix ? vit__config_prefix(c) : 0;
}

size_t vit__pool_scratch(const vit_config *config)
{
    return config->pool_heads ? vit__config_tokens(config) : 0;
}

/* One head of one input: the pool's query over the tokens it sees. */
static void attend_pool(void *context, size_t index, unsigned thread)
{
    const vit_session *session = context;
    const vit_config *c = &session->model->config;
    size_t heads = c->pool_heads, width = c->width, dim = width / heads, head = index % heads, item = index / heads;
    const float *query = session->model->weights.pool.query + head * dim;
    size_t tokens = session->tokens - unseen(c);
    const float *keys = session->wide + (item * session->tokens + unseen(c)) * 2 * width + head * dim;
    const float *values = keys + width;
    float *scores = session->workers.scratch + thread * session->workers.scratch_size;
    float *out = session->x + item * width + head * dim, scale = 1.0f / sqrtf((float)dim);
    for (size_t t = 0; t < tokens; t++) {
        float sum = 0;
        for (size_t i = 0; i < dim; i++)
            sum += query[i] * keys[t * 2 * width + i];
        scores[t] = sum * scale;
    }
    session->workers.kernels->softmax(scores, tokens);
    memset(out, 0, dim * sizeof *out);
    for (size_t t = 0; t < tokens; t++)
        for (size_t i = 0; i < dim; i++)
            out[i] += scores[t] * values[t * 2 * width + i];
}

/* pooled[items, D]: attention of one learned query, projected, and an MLP on top. The residual stream is over, so its
 * memory serves. */
static void attention_pool(vit_session *session, size_t items)
{
    const vit_config *c = &session->model->config;
    const vit__pool_weights *w = &session->model->weights.pool;
    size_t tokens = session->tokens, width = c->width;
    vit__gemm_call call = {.linear = &w->kv, .x = session->y, .y = session->wide, .items = items, .rows = tokens,
                           .x_stride = tokens * width, .y_stride = tokens * 2 * width, .x_row = width,
                           .y_row = 2 * width};
    session->model->gemm->apply(&call, &session->workers);
    vit__pool_run(session->workers.pool, items * c->pool_heads, attend_pool, session);
    linear(session, &w->projection, (vit__epilogue){0}, items, session->x, width, session->pooled);
    if (!w->fc1.outputs)
        return;
    for (size_t i = 0; i < items; i++)
        vit__norm_row(session->workers.kernels, &w->norm, width, session->pooled + i * width, session->x + i * width);
    linear(session, &w->fc1, (vit__epilogue){.activation = c->pool_activation}, items, session->x, width, session->wide);
    linear(session, &w->fc2, (vit__epilogue){.residual = session->pooled}, items, session->wide, c->pool_mlp_width,
           session->pooled);
}

static void pool_tokens(const vit_session *session, const vit__encoder_batch *batch, vit__pooling pooling, size_t item,
                        float *out)
{
    const vit_config *c = &session->model->config;
    size_t tokens = session->tokens, prefix = vit__config_prefix(c);
    switch (pooling) {
    case VIT__POOL_MEAN_PATCHES:
        mean_of_tokens(session, item, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_ALL:
        mean_of_tokens(session, item, 0, tokens, out);
        break;
    case VIT__POOL_MAX_PATCHES:
        max_of_tokens(session, item, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_MAX_PATCHES:
        mean_of_tokens(session, item, prefix, tokens, out);
        max_of_tokens(session, item, prefix, tokens, out + c->width);
        for (size_t i = 0; i < c->width; i++)
            out[i] = (out[i] + out[c->width + i]) / 2;
        break;
    case VIT__POOL_CLASS_DISTILLATION:
        mean_of_tokens(session, item, 0, 2, out);
        break;
    case VIT__POOL_CLASS_AND_MEAN:
        copy_token(session, item, 0, out);
        mean_of_tokens(session, item, prefix, tokens, out + c->width);
        break;
    case VIT__POOL_END:
    case VIT__POOL_LARGEST:
    case VIT__POOL_LAST:
        copy_token(session, item, text_token(c, pooling, batch->ids + item * batch->length, batch->length), out);
        break;
    default: /* the class token; attention pooling has a way of its own */
        copy_token(session, item, 0, out);
    }
}

/* session->pooled[items, D or 2D], normed where the model says so */
static void pool(vit_session *session, const vit__encoder_batch *batch, vit__pooling pooling)
{
    const vit_config *c = &session->model->config;
    size_t width = vit__config_pooled_width(c, pooling);
    if (pooling == VIT__POOL_ATTENTION)
        attention_pool(session, batch->items);
    else
        for (size_t i = 0; i < batch->items; i++)
            pool_tokens(session, batch, pooling, i, session->pooled + i * width);
    bool normed = c->pooled_norm && pooling == c->pooling;
    for (size_t i = 0; normed && i < batch->items; i++)
        vit__norm_row(session->workers.kernels, &session->model->weights.pooled_norm, c->width,
                      session->pooled + i * width, session->pooled + i * width);
}

/* ------------------------------------------------------------------ outputs ---- */

/* out[items, outputs] = W pooled + b */
static void project(vit_session *session, const vit__encoder_batch *batch, vit__pooling pooling,
                    const vit__linear *layer, float *out)
{
    pool(session, batch, pooling);
    linear(session, layer, (vit__epilogue){0}, batch->items, session->pooled, layer->inputs, out);
}

/* [items, classes] */
static void logits(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    const vit__weights *w = &session->model->weights;
    if (c->head != VIT__HEAD_TWO_AVERAGED) {
        project(session, batch, c->head_pooling, &w->head, out);
        return;
    }
    size_t stride = session->tokens * c->width;
    linear(session, &w->head, (vit__epilogue){0}, batch->items, session->y, stride, out);
    linear(session, &w->head_distillation, (vit__epilogue){0}, batch->items, session->y + c->width, stride,
           session->spare);
    for (size_t i = 0; i < batch->items * c->classes; i++)
        out[i] = (out[i] + session->spare[i]) / 2;
}

static void probabilities(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    logits(session, batch, out);
    if (c->multi_label)
        session->workers.kernels->sigmoid(out, batch->items * c->classes);
    else
        for (size_t i = 0; i < batch->items; i++)
            session->workers.kernels->softmax(out + i * c->classes, c->classes);
}

/* The class token after the final norm, which CLIP has for this token alone. */
static void class_tokens(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    if (c->pooling == VIT__POOL_CLASS && !c->final_norm) {
        pool(session, batch, VIT__POOL_CLASS);
        memcpy(out, session->pooled, batch->items * c->width * sizeof *out);
        return;
    }
    for (size_t i = 0; i < batch->items; i++)
        copy_token(session, i, 0, out + i * c->width);
}

static void means(const vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    for (size_t i = 0; i < batch->items; i++)
        mean_of_tokens(session, i, vit__config_prefix(c), session->tokens, out + i * c->width);
}

static void pooled(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    pool(session, batch, c->pooling);
    memcpy(out, session->pooled, batch->items * vit__config_pooled_width(c, c->pooling) * sizeof *out);
}

static void embedding(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    switch (c->embedding) {
    case VIT__EMBEDDING_CLASS:
        class_tokens(session, batch, out);
        break;
    case VIT__EMBEDDING_MEAN:
        means(session, batch, out);
        break;
    case VIT__EMBEDDING_POOLED:
        pooled(session, batch, out);
        break;
    case VIT__EMBEDDING_PROJECTED:
        project(session, batch, c->pooling, &session->model->weights.embedding, out);
        break;
    case VIT__EMBEDDING_LATENT:
        project(session, batch, c->pooling, &session->model->weights.latent_mean, out);
        break;
    }
}

static void pooler(vit_session *session, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &session->model->config;
    if (c->pooler == VIT__POOLER_DENSE)
        linear(session, &session->model->weights.pooler, (vit__epilogue){.activation = c->pooler_activation},
               batch->items, session->y, session->tokens * c->width, out);
    else
        (c->pooler == VIT__POOLER_EMBEDDING ? embedding : pooled)(session, batch, out);
}

static void answer(vit_session *session, const vit__encoder_batch *batch, const vit_request *request)
{
    const vit_config *c = &session->model->config;
    size_t shape[2];
    vit__output_shape(c, request->output, session->tokens, shape);
    size_t size = shape[0] * shape[1];
    float *out = request->result + batch->first * size;
    switch (request->output) {
    case VIT_OUTPUT_EMBEDDING:
        embedding(session, batch, out);
        break;
    case VIT_OUTPUT_CLASS:
        class_tokens(session, batch, out);
        break;
    case VIT_OUTPUT_MEAN:
        means(session, batch, out);
        break;
    case VIT_OUTPUT_TOKENS:
        memcpy(out, session->y, batch->items * size * sizeof *out);
        break;
    case VIT_OUTPUT_POOLER:
        pooler(session, batch, out);
        break;
    case VIT_OUTPUT_LOGITS:
        logits(session, batch, out);
        break;
    case VIT_OUTPUT_PROBABILITIES:
        probabilities(session, batch, out);
        break;
    case VIT_OUTPUT_LATENT:
        project(session, batch, c->pooling, &session->model->weights.latent_mean, out);
        break;
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        project(session, batch, c->pooling, &session->model->weights.latent_log_variance, out);
        break;
    case VIT_OUTPUT_HIDDEN: /* written between the blocks */
    case VIT_OUTPUT_ATTENTION: /* written inside them */
        break;
    }
}

/* Tokens that a pooling reads. */
static size_t pooling_tokens(const vit_config *c, vit__pooling pooling, size_t all)
{
    if (pooling == VIT__POOL_NONE || (pooling == VIT__POOL_CLASS && c->input == VIT__INPUT_PIXELS))
        return 1;
    return pooling == VIT__POOL_CLASS_DISTILLATION ? 2 : all;
}

/* Tokens that an output reads. */
static size_t output_tokens(const vit_config *c, vit_output output, size_t all)
{
    switch (output) {
    case VIT_OUTPUT_EMBEDDING:
        return c->embedding == VIT__EMBEDDING_CLASS  ? 1
               : c->embedding == VIT__EMBEDDING_MEAN ? all
                                                     : pooling_tokens(c, c->pooling, all);
    case VIT_OUTPUT_CLASS:
        return 1;
    case VIT_OUTPUT_POOLER:
        return c->pooler == VIT__POOLER_DENSE ? 1 : pooling_tokens(c, c->pooling, all);
    case VIT_OUTPUT_LOGITS:
    case VIT_OUTPUT_PROBABILITIES:
        return c->head == VIT__HEAD_TWO_AVERAGED ? 2 : pooling_tokens(c, c->head_pooling, all);
    case VIT_OUTPUT_LATENT:
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        return pooling_tokens(c, c->pooling, all);
    default:
        return all;
    }
}

size_t vit__head_tokens(const vit_session *session, const vit__encoder_batch *batch)
{
    const vit_config *c = &session->model->config;
    size_t most = 1;
    for (size_t i = 0; i < batch->n_requests; i++) {
        bool inner = batch->requests[i].output == VIT_OUTPUT_HIDDEN && batch->requests[i].layer < c->depth;
        size_t needed = inner ? 1 : output_tokens(c, batch->requests[i].output, session->tokens);
        most = needed > most ? needed : most;
    }
    return most < session->tokens ? most : session->tokens;
}

void vit__head_run(vit_session *session, const vit__encoder_batch *batch)
{
    for (size_t i = 0; i < batch->n_requests; i++)
        answer(session, batch, &batch->requests[i]);
}
