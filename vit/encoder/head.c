/* SPDX-License-Identifier: BSD-2-Clause */
#include "head.h"

#include <math.h>
#include <string.h>

#include "attention.h"
#include "limit.h"
#include "outputs.h"
#include "places.h"

/* mean = average of tokens [from, to) */
static void mean_of_tokens(const vit__lane *lane, size_t from, size_t to, float *mean)
{
    size_t width = lane->model->config.width;
    memset(mean, 0, width * sizeof *mean);
    for (size_t t = from; t < to; t++)
        lane->workers.kernels->accumulate(lane->all.x + t * width, width, mean);
    for (size_t i = 0; i < width; i++)
        mean[i] /= (float)(to - from);
}

/* max = largest value of every channel over tokens [from, to) */
static void max_of_tokens(const vit__lane *lane, size_t from, size_t to, float *max)
{
    size_t width = lane->model->config.width;
    const float *first = lane->all.x + from * width;
    memcpy(max, first, width * sizeof *max);
    for (size_t t = 1; t < to - from; t++)
        for (size_t i = 0; i < width; i++)
            max[i] = max[i] > first[t * width + i] || isnan(max[i]) ? max[i] : first[t * width + i];
}

static void copy_token(const vit__lane *lane, size_t token, float *out)
{
    size_t width = lane->model->config.width;
    memcpy(out, lane->all.x + token * width, width * sizeof *out);
}

/* y[outputs] = residual + act(W x + b) */
static void linear(const vit__lane *lane, const vit__linear *layer, vit__epilogue epilogue, const float *x, float *y)
{
    vit__gemm_call call = {.linear = layer,
                           .x = x,
                           .y = y,
                           .rows = 1,
                           .x_row = layer->inputs,
                           .y_row = layer->outputs,
                           .epilogue = epilogue};
    lane->model->gemm->apply(&call, &lane->workers);
}

/* ------------------------------------------------------------------ pooling ---- */

/* The token that stands for a text: its first end, the first of its largest ids, or the last. */
static size_t text_token(const vit__lane *lane, vit__pooling pooling)
{
    const vit_config *c = &lane->model->config;
    const int32_t *ids = lane->input->ids;
    size_t largest = 0;
    if (pooling == VIT__POOL_LAST)
        return lane->tokens - 1;
    for (size_t i = 0; i < lane->tokens - c->class_behind; i++) {
        int32_t id = ids[lane->places[i]];
        if (pooling == VIT__POOL_END && (size_t)id == c->end_token)
            return i;
        if (id > ids[lane->places[largest]])
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

/* [T, 2D] keys and values of the tokens for the attention pool. Of the two buffers it is the one that the last block
 * does not use: other lanes may still be reading that block's keys. */
static float *pool_kv(const vit__lane *lane)
{
    return lane->qkv[vit__config_pairs(&lane->model->config) % 2];
}

void vit__head_prepare(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    if (!c->pool_heads || lane->rows < lane->own) /* nobody pools some of the tokens */
        return;
    size_t row = 2 * vit__config_pool_width(c);
    vit__gemm_call call = {.linear = &lane->model->weights.pool.kv,
                           .x = lane->x,
                           .norm = &lane->model->weights.pool.key_norm,
                           .y = pool_kv(lane) + lane->first * row,
                           .rows = lane->own,
                           .x_row = c->width,
                           .y_row = row};
    lane->model->gemm->apply(&call, &lane->workers);
}

/* One head: the pool's query over the tokens it sees. */
static void attend_pool(void *context, size_t head, unsigned thread)
{
    const vit__lane *lane = context;
    const vit_config *c = &lane->model->config;
    size_t width = vit__config_pool_width(c), dim = width / c->pool_heads, tokens = lane->tokens - unseen(c);
    const float *query = lane->model->weights.pool.query + head * dim;
    const float *keys = pool_kv(lane) + unseen(c) * 2 * width + head * dim, *values = keys + width;
    float *scores = lane->workers.scratch + thread * lane->workers.scratch_size;
    float *out = lane->all.y + head * dim, scale = 1.0f / sqrtf((float)dim);
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

/* pooled[P]: attention of one learned query, projected, and an MLP on top. */
static void attention_pool(vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__pool_weights *w = &lane->model->weights.pool;
    float *y = lane->all.y, *pooled = lane->all.pooled;
    vit__pool_run(lane->workers.pool, c->pool_heads, attend_pool, lane);
    linear(lane, &w->projection, (vit__epilogue){0}, y, pooled);
    if (!w->fc1.outputs)
        return;
    vit__norm_row(lane->workers.kernels, &w->norm, c->width, pooled, y);
    linear(lane, &w->fc1, (vit__epilogue){.activation = c->pool_activation}, y, lane->all.spare);
    linear(lane, &w->fc2, (vit__epilogue){.residual = pooled}, lane->all.spare, pooled);
}

static void pool_tokens(const vit__lane *lane, vit__pooling pooling, float *out)
{
    const vit_config *c = &lane->model->config;
    size_t tokens = lane->tokens, prefix = vit__config_prefix(c);
    switch (pooling) {
    case VIT__POOL_MEAN_PATCHES:
        mean_of_tokens(lane, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_ALL:
        mean_of_tokens(lane, 0, tokens, out);
        break;
    case VIT__POOL_MAX_PATCHES:
        max_of_tokens(lane, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_MAX_PATCHES:
        mean_of_tokens(lane, prefix, tokens, out);
        max_of_tokens(lane, prefix, tokens, out + c->width);
        for (size_t i = 0; i < c->width; i++)
            out[i] = (out[i] + out[c->width + i]) / 2;
        break;
    case VIT__POOL_CLASS_DISTILLATION:
        mean_of_tokens(lane, 0, 2, out);
        break;
    case VIT__POOL_CLASS_AND_MEAN:
        copy_token(lane, 0, out);
        mean_of_tokens(lane, prefix, tokens, out + c->width);
        break;
    case VIT__POOL_END:
    case VIT__POOL_LARGEST:
    case VIT__POOL_LAST:
        copy_token(lane, text_token(lane, pooling), out);
        break;
    case VIT__POOL_MEAN_ROOT:
        mean_of_tokens(lane, 0, tokens, out);
        lane->workers.kernels->scale(out, sqrtf((float)tokens), c->width, out);
        break;
    default: /* the class token; attention pooling has a way of its own */
        copy_token(lane, 0, out);
    }
}

/* pooled[D or 2D], normed where the model says so */
static void pool(vit__lane *lane, vit__pooling pooling)
{
    const vit_config *c = &lane->model->config;
    float *pooled = lane->all.pooled;
    if (pooling == VIT__POOL_ATTENTION)
        attention_pool(lane);
    else
        pool_tokens(lane, pooling, pooled);
    if (c->pooled_norm && pooling == c->pooling)
        vit__norm_row(lane->workers.kernels, &lane->model->weights.pooled_norm,
                      pooling == VIT__POOL_ATTENTION ? vit__config_pool_width(c) : c->width, pooled, pooled);
}

/* ------------------------------------------------------------------ outputs ---- */

/* The pooled vector of what the tokens become behind the final norm, and where it is. */
static float *transformed(vit__lane *lane)
{
    if (!lane->model->config.transformation_width)
        return lane->all.pooled;
    linear(lane, &lane->model->weights.transformation, (vit__epilogue){0}, lane->all.pooled, lane->all.spare);
    return lane->all.spare;
}

/* The embedding's pooled vector, behind its dense layers, and where it is. */
static float *densely_pooled(vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    pool(lane, c->pooling);
    float *from = transformed(lane);
    for (size_t i = 0; i < VIT__LIMIT_DENSE_LAYERS && c->dense[i].width; i++) {
        float *to = from == lane->all.pooled ? lane->all.spare : lane->all.pooled;
        linear(lane, &lane->model->weights.dense[i], (vit__epilogue){.activation = c->dense[i].activation}, from, to);
        from = to;
    }
    return from;
}

/* Divides by the length; zeros stay. */
static void to_unit_length(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double length = fmax(sqrt(sum), 1e-12);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] / length);
}

/* out[outputs] = W pooled + b */
static void project(vit__lane *lane, vit__pooling pooling, const vit__linear *layer, float *out)
{
    pool(lane, pooling);
    linear(lane, layer, (vit__epilogue){0}, lane->all.pooled, out);
}

static void answer_output(vit__lane *lane, vit_output output, float *out);

/* The classifier of an output. The vector may be any of those that are made in the other rooms. */
static void logits_of_output(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    float *features = lane->all.features;
    answer_output(lane, vit__output_of_head(c->head_input), features);
    if (c->head_normalize)
        to_unit_length(features, vit__output_head_inputs(c));
    linear(lane, &lane->model->weights.head, (vit__epilogue){0}, features, out);
}

/* [classes] */
static void logits(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *w = &lane->model->weights;
    if (c->head_input != VIT__HEAD_INPUT_OWN) {
        logits_of_output(lane, out);
        return;
    }
    if (c->head != VIT__HEAD_TWO_AVERAGED) {
        project(lane, c->head_pooling, &w->head, out);
        return;
    }
    float *second = lane->all.spare;
    linear(lane, &w->head, (vit__epilogue){0}, lane->all.x, out);
    linear(lane, &w->head_distillation, (vit__epilogue){0}, lane->all.x + c->width, second);
    for (size_t i = 0; i < c->classes; i++)
        out[i] = (out[i] + second[i]) / 2;
}

static void probabilities(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    logits(lane, out);
    if (c->regression)
        return;
    (c->multi_label ? lane->workers.kernels->sigmoid : lane->workers.kernels->softmax)(out, c->classes);
}

/* The class token after the final norm, which CLIP has for this token alone. */
static void class_token(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    if (c->pooling != VIT__POOL_CLASS || c->final_norm)
        copy_token(lane, 0, lane->all.pooled);
    else
        pool(lane, VIT__POOL_CLASS);
    memcpy(out, transformed(lane), vit__config_token_width(c) * sizeof *out);
}

/* The mean of what a layer makes of the tokens is what it makes of their mean. */
static void mean(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    mean_of_tokens(lane, vit__config_prefix(c), lane->tokens, lane->all.pooled);
    memcpy(out, transformed(lane), vit__config_token_width(c) * sizeof *out);
}

/* All tokens, at their places. */
static void tokens(const vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    vit__lane whole = *lane;
    const float *rows = lane->all.x;
    whole.first = 0;
    whole.own = lane->tokens;
    if (c->transformation_width) {
        const vit__linear *layer = &lane->model->weights.transformation;
        vit__gemm_call call = {.linear = layer,
                               .x = rows,
                               .y = lane->all.wide,
                               .rows = lane->tokens,
                               .x_row = layer->inputs,
                               .y_row = layer->outputs};
        lane->model->gemm->apply(&call, &lane->workers);
        rows = lane->all.wide;
    }
    vit__places_spread(&whole, rows, vit__config_token_width(c), out);
}

static void pooled(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    pool(lane, c->pooling);
    memcpy(out, lane->all.pooled, vit__config_pooled_width(c, c->pooling) * sizeof *out);
}

static void embedding(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    const vit__linear *projection = &lane->model->weights.embedding;
    bool dense = c->dense[0].width || c->transformation_width;
    switch (c->embedding) {
    case VIT__EMBEDDING_CLASS:
        class_token(lane, out);
        break;
    case VIT__EMBEDDING_MEAN:
        mean(lane, out);
        break;
    case VIT__EMBEDDING_POOLED:
        if (dense)
            memcpy(out, densely_pooled(lane), vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS) * sizeof *out);
        else
            pooled(lane, out);
        break;
    case VIT__EMBEDDING_PROJECTED:
        linear(lane, projection, (vit__epilogue){0}, densely_pooled(lane), out);
        break;
    case VIT__EMBEDDING_LATENT:
        project(lane, c->pooling, &lane->model->weights.latent_mean, out);
        break;
    }
    if (c->unit_length) {
        size_t shape[2];
        vit__output_shape(c, VIT_OUTPUT_EMBEDDING, 0, lane->length, shape);
        to_unit_length(out, shape[1]);
    }
}

static void pooler(vit__lane *lane, float *out)
{
    const vit_config *c = &lane->model->config;
    if (c->pooler == VIT__POOLER_DENSE)
        linear(lane, &lane->model->weights.pooler, (vit__epilogue){.activation = c->pooler_activation}, lane->all.x,
               out);
    else
        (c->pooler == VIT__POOLER_EMBEDDING ? embedding : pooled)(lane, out);
}

static void class_and_mean(vit__lane *lane, float *out)
{
    class_token(lane, out);
    mean(lane, out + vit__config_token_width(&lane->model->config));
}

static void answer_output(vit__lane *lane, vit_output output, float *out)
{
    const vit__weights *w = &lane->model->weights;
    const vit_config *c = &lane->model->config;
    switch (output) {
    case VIT_OUTPUT_EMBEDDING:
        embedding(lane, out);
        break;
    case VIT_OUTPUT_CLASS:
        class_token(lane, out);
        break;
    case VIT_OUTPUT_MEAN:
        mean(lane, out);
        break;
    case VIT_OUTPUT_CLASS_MEAN:
        class_and_mean(lane, out);
        break;
    case VIT_OUTPUT_TOKENS:
        tokens(lane, out);
        break;
    case VIT_OUTPUT_POOLER:
        pooler(lane, out);
        break;
    case VIT_OUTPUT_LOGITS:
        logits(lane, out);
        break;
    case VIT_OUTPUT_PROBABILITIES:
        probabilities(lane, out);
        break;
    case VIT_OUTPUT_LATENT:
        project(lane, c->pooling, &w->latent_mean, out);
        break;
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        project(lane, c->pooling, &w->latent_log_variance, out);
        break;
    case VIT_OUTPUT_HIDDEN:    /* written between the blocks */
    case VIT_OUTPUT_ATTENTION: /* written inside them */
        break;
    }
}

static void answer(vit__lane *lane, const vit_request *request)
{
    size_t shape[2];
    vit__output_shape(&lane->model->config, request->output, request->layer, lane->length, shape);
    answer_output(lane, request->output, request->result + lane->input->index * shape[0] * shape[1]);
}

/* Tokens that a pooling reads. */
static size_t pooling_tokens(const vit_config *c, vit__pooling pooling, size_t all)
{
    if (pooling == VIT__POOL_NONE || (pooling == VIT__POOL_CLASS && (c->input == VIT__INPUT_PIXELS || c->text_class)))
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
        if (c->head_input != VIT__HEAD_INPUT_OWN)
            return output_tokens(c, vit__output_of_head(c->head_input), all);
        return c->head == VIT__HEAD_TWO_AVERAGED ? 2 : pooling_tokens(c, c->head_pooling, all);
    case VIT_OUTPUT_LATENT:
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        return pooling_tokens(c, c->pooling, all);
    default:
        return all;
    }
}

size_t vit__head_tokens(const vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__encoder_input *input = lane->input;
    size_t most = 1;
    for (size_t i = 0; i < input->n_requests; i++) {
        bool inner = input->requests[i].output == VIT_OUTPUT_HIDDEN && input->requests[i].layer < c->depth;
        size_t needed = inner ? 1 : output_tokens(c, input->requests[i].output, lane->tokens);
        most = needed > most ? needed : most;
    }
    return most < lane->tokens ? most : lane->tokens;
}

void vit__head_run(vit__lane *lane)
{
    for (size_t i = 0; i < lane->input->n_requests; i++)
        answer(lane, &lane->input->requests[i]);
}
