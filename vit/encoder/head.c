/* SPDX-License-Identifier: BSD-2-Clause */
#include "head.h"

#include <math.h>
#include <string.h>

#include "attention.h"
#include "outputs.h"

/* mean = average of tokens [from, to) of one input */
static void mean_of_tokens(const vit__lane *lane, size_t item, size_t from, size_t to, float *mean)
{
    size_t width = lane->model->config.width;
    memset(mean, 0, width * sizeof *mean);
    for (size_t t = from; t < to; t++)
        lane->workers.kernels->accumulate(lane->y + (item * lane->tokens + t) * width, width, mean);
    for (size_t i = 0; i < width; i++)
        mean[i] /= (float)(to - from);
}

/* max = largest value of every channel over tokens [from, to) of one input */
static void max_of_tokens(const vit__lane *lane, size_t item, size_t from, size_t to, float *max)
{
    size_t width = lane->model->config.width;
    const float *first = lane->y + (item * lane->tokens + from) * width;
    memcpy(max, first, width * sizeof *max);
    for (size_t t = 1; t < to - from; t++)
        for (size_t i = 0; i < width; i++)
            max[i] = max[i] > first[t * width + i] || isnan(max[i]) ? max[i] : first[t * width + i];
}

static void copy_token(const vit__lane *lane, size_t item, size_t token, float *out)
{
    size_t width = lane->model->config.width;
    memcpy(out, lane->y + (item * lane->tokens + token) * width, width * sizeof *out);
}

/* y[items, outputs] = residual + act(W x + b), one vector an input, x_stride floats apart; residual laid out as y */
static void linear(const vit__lane *lane, const vit__linear *layer, vit__epilogue epilogue, size_t items,
                   const float *x, size_t x_stride, float *y)
{
    epilogue.residual_stride = epilogue.residual_row = layer->outputs;
    vit__gemm_call call = {.linear = layer, .x = x, .y = y, .items = items, .rows = 1, .x_stride = x_stride,
                           .y_stride = layer->outputs, .x_row = layer->inputs, .y_row = layer->outputs,
                           .epilogue = epilogue};
    lane->model->gemm->apply(&call, &lane->workers);
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
    const vit__lane *lane = context;
    const vit_config *c = &lane->model->config;
    size_t heads = c->pool_heads, width = c->width, dim = width / heads, head = index % heads, item = index / heads;
    const float *query = lane->model->weights.pool.query + head * dim;
    size_t tokens = lane->tokens - unseen(c);
    const float *keys = lane->wide + (item * lane->tokens + unseen(c)) * 2 * width + head * dim;
    const float *values = keys + width;
    float *scores = lane->workers.scratch + thread * lane->workers.scratch_size;
    float *out = lane->x + item * width + head * dim, scale = 1.0f / sqrtf((float)dim);
    for (size_t t = 0; t < tokens; t++) {
        float sum = 0;
        for (size_t i = 0; i < dim; i++)
            sum += query[i] * keys[t * 2 * width + i];
        scores[t] = sum * scale;
    }
    lane->workers.kernels->softmax(scores, tokens);
    memset(out, 0, dim * sizeof *out);
    for (size_t t = 0; t < tokens; t++)
        for (size_t i = 0; i < dim; i++)
            out[i] += scores[t] * values[t * 2 * width + i];
}

/* pooled[items, D]: attention of one learned query, projected, and an MLP on top. The residual stream is over, so its
 * memory serves. */
static void attention_pool(vit__lane *lane, size_t items)
{
    const vit_config *c = &lane->model->config;
    const vit__pool_weights *w = &lane->model->weights.pool;
    size_t tokens = lane->tokens, width = c->width;
    vit__gemm_call call = {.linear = &w->kv, .x = lane->y, .y = lane->wide, .items = items, .rows = tokens,
                           .x_stride = tokens * width, .y_stride = tokens * 2 * width, .x_row = width,
                           .y_row = 2 * width};
    lane->model->gemm->apply(&call, &lane->workers);
    vit__pool_run(lane->workers.pool, items * c->pool_heads, attend_pool, lane);
    linear(lane, &w->projection, (vit__epilogue){0}, items, lane->x, width, lane->pooled);
    if (!w->fc1.outputs)
        return;
    for (size_t i = 0; i < items; i++)
        vit__norm_row(lane->workers.kernels, &w->norm, width, lane->pooled + i * width, lane->x + i * width);
    linear(lane, &w->fc1, (vit__epilogue){.activation = c->pool_activation}, items, lane->x, width, lane->wide);
    linear(lane, &w->fc2, (vit__epilogue){.residual = lane->pooled}, items, lane->wide, c->pool_mlp_width,
           lane->pooled);
}

static void pool_tokens(const vit__lane *lane, const vit__encoder_batch *batch, vit__pooling pooling, size_t item,
                        float *out)
{
    const vit_config *c = &lane->model->config;
    size_t tokens = lane->tokens, prefix = vit__config_prefix(c);
    switch (pooling) {
    case VIT__POOL_MEAN_PATCHES:
        mean_of_tokens(lane, item, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_ALL:
        mean_of_tokens(lane, item, 0, tokens, out);
        break;
    case VIT__POOL_MAX_PATCHES:
        max_of_tokens(lane, item, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_MAX_PATCHES:
        mean_of_tokens(lane, item, prefix, tokens, out);
        max_of_tokens(lane, item, prefix, tokens, out + c->width);
        for (size_t i = 0; i < c->width; i++)
            out[i] = (out[i] + out[c->width + i]) / 2;
        break;
    case VIT__POOL_CLASS_DISTILLATION:
        mean_of_tokens(lane, item, 0, 2, out);
        break;
    case VIT__POOL_CLASS_AND_MEAN:
        copy_token(lane, item, 0, out);
        mean_of_tokens(lane, item, prefix, tokens, out + c->width);
        break;
    case VIT__POOL_END:
    case VIT__POOL_LARGEST:
    case VIT__POOL_LAST:
        copy_token(lane, item, text_token(c, pooling, batch->ids + item * batch->length, batch->length), out);
        break;
    default: /* the class token; attention pooling has a way of its own */
        copy_token(lane, item, 0, out);
    }
}

/* lane->pooled[items, D or 2D], normed where the model says so */
static void pool(vit__lane *lane, const vit__encoder_batch *batch, vit__pooling pooling)
{
    const vit_config *c = &lane->model->config;
    size_t width = vit__config_pooled_width(c, pooling);
    if (pooling == VIT__POOL_ATTENTION)
        attention_pool(lane, batch->items);
    else
        for (size_t i = 0; i < batch->items; i++)
            pool_tokens(lane, batch, pooling, i, lane->pooled + i * width);
    bool normed = c->pooled_norm && pooling == c->pooling;
    for (size_t i = 0; normed && i < batch->items; i++)
        vit__norm_row(lane->workers.kernels, &lane->model->weights.pooled_norm, c->width,
                      lane->pooled + i * width, lane->pooled + i * width);
}

/* ------------------------------------------------------------------ outputs ---- */

/* out[items, outputs] = W pooled + b */
static void project(vit__lane *lane, const vit__encoder_batch *batch, vit__pooling pooling,
                    const vit__linear *layer, float *out)
{
    pool(lane, batch, pooling);
    linear(lane, layer, (vit__epilogue){0}, batch->items, lane->pooled, layer->inputs, out);
}

/* [items, classes] */
static void logits(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    if (c->head != VIT__HEAD_TWO_AVERAGED) {
        project(lane, batch, c->head_pooling, &w->head, out);
        return;
    }
    size_t stride = lane->tokens * c->width;
    linear(lane, &w->head, (vit__epilogue){0}, batch->items, lane->y, stride, out);
    linear(lane, &w->head_distillation, (vit__epilogue){0}, batch->items, lane->y + c->width, stride,
           lane->spare);
    for (size_t i = 0; i < batch->items * c->classes; i++)
        out[i] = (out[i] + lane->spare[i]) / 2;
}

static void probabilities(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    logits(lane, batch, out);
    if (c->multi_label)
        lane->workers.kernels->sigmoid(out, batch->items * c->classes);
    else
        for (size_t i = 0; i < batch->items; i++)
            lane->workers.kernels->softmax(out + i * c->classes, c->classes);
}

/* The class token after the final norm, which CLIP has for this token alone. */
static void class_tokens(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    if (c->pooling == VIT__POOL_CLASS && !c->final_norm) {
        pool(lane, batch, VIT__POOL_CLASS);
        memcpy(out, lane->pooled, batch->items * c->width * sizeof *out);
        return;
    }
    for (size_t i = 0; i < batch->items; i++)
        copy_token(lane, i, 0, out + i * c->width);
}

static void means(const vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    for (size_t i = 0; i < batch->items; i++)
        mean_of_tokens(lane, i, vit__config_prefix(c), lane->tokens, out + i * c->width);
}

static void pooled(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    pool(lane, batch, c->pooling);
    memcpy(out, lane->pooled, batch->items * vit__config_pooled_width(c, c->pooling) * sizeof *out);
}

static void embedding(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    switch (c->embedding) {
    case VIT__EMBEDDING_CLASS:
        class_tokens(lane, batch, out);
        break;
    case VIT__EMBEDDING_MEAN:
        means(lane, batch, out);
        break;
    case VIT__EMBEDDING_POOLED:
        pooled(lane, batch, out);
        break;
    case VIT__EMBEDDING_PROJECTED:
        project(lane, batch, c->pooling, &lane->model->weights.embedding, out);
        break;
    case VIT__EMBEDDING_LATENT:
        project(lane, batch, c->pooling, &lane->model->weights.latent_mean, out);
        break;
    }
}

static void pooler(vit__lane *lane, const vit__encoder_batch *batch, float *out)
{
    const vit_config *c = &lane->model->config;
    if (c->pooler == VIT__POOLER_DENSE)
        linear(lane, &lane->model->weights.pooler, (vit__epilogue){.activation = c->pooler_activation},
               batch->items, lane->y, lane->tokens * c->width, out);
    else
        (c->pooler == VIT__POOLER_EMBEDDING ? embedding : pooled)(lane, batch, out);
}

static void answer(vit__lane *lane, const vit__encoder_batch *batch, const vit_request *request)
{
    const vit_config *c = &lane->model->config;
    size_t shape[2];
    vit__output_shape(c, request->output, lane->tokens, shape);
    size_t size = shape[0] * shape[1];
    float *out = request->result + batch->first * size;
    switch (request->output) {
    case VIT_OUTPUT_EMBEDDING:
        embedding(lane, batch, out);
        break;
    case VIT_OUTPUT_CLASS:
        class_tokens(lane, batch, out);
        break;
    case VIT_OUTPUT_MEAN:
        means(lane, batch, out);
        break;
    case VIT_OUTPUT_TOKENS:
        memcpy(out, lane->y, batch->items * size * sizeof *out);
        break;
    case VIT_OUTPUT_POOLER:
        pooler(lane, batch, out);
        break;
    case VIT_OUTPUT_LOGITS:
        logits(lane, batch, out);
        break;
    case VIT_OUTPUT_PROBABILITIES:
        probabilities(lane, batch, out);
        break;
    case VIT_OUTPUT_LATENT:
        project(lane, batch, c->pooling, &lane->model->weights.latent_mean, out);
        break;
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        project(lane, batch, c->pooling, &lane->model->weights.latent_log_variance, out);
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

size_t vit__head_tokens(const vit__lane *lane, const vit__encoder_batch *batch)
{
    const vit_config *c = &lane->model->config;
    size_t most = 1;
    for (size_t i = 0; i < batch->n_requests; i++) {
        bool inner = batch->requests[i].output == VIT_OUTPUT_HIDDEN && batch->requests[i].layer < c->depth;
        size_t needed = inner ? 1 : output_tokens(c, batch->requests[i].output, lane->tokens);
        most = needed > most ? needed : most;
    }
    return most < lane->tokens ? most : lane->tokens;
}

void vit__head_run(vit__lane *lane, const vit__encoder_batch *batch)
{
    for (size_t i = 0; i < batch->n_requests; i++)
        answer(lane, batch, &batch->requests[i]);
}
