/* SPDX-License-Identifier: BSD-2-Clause */
#include "head.h"

#include <string.h>

/* mean = average of tokens [from, to) of one image */
static void mean_of_tokens(const vit_session *session, size_t item, size_t from, size_t to, float *mean)
{
    size_t width = session->model->config.width, tokens = vit__config_tokens(&session->model->config);
    memset(mean, 0, width * sizeof *mean);
    for (size_t t = from; t < to; t++)
        session->workers.kernels->accumulate(session->y + (item * tokens + t) * width, width, mean);
    for (size_t i = 0; i < width; i++)
        mean[i] /= (float)(to - from);
}

static void copy_token(const vit_session *session, size_t item, size_t token, float *out)
{
    size_t width = session->model->config.width, tokens = vit__config_tokens(&session->model->config);
    memcpy(out, session->y + (item * tokens + token) * width, width * sizeof *out);
}

/* The library's pooled vector of one image: [D], or [2D] for class token ++ patch mean. */
static void pool(const vit_session *session, size_t item, float *out)
{
    const vit_config *c = &session->model->config;
    size_t tokens = vit__config_tokens(c), prefix = vit__config_prefix(c);
    switch (c->pooling) {
    case VIT__POOL_MEAN_PATCHES:
        mean_of_tokens(session, item, prefix, tokens, out);
        break;
    case VIT__POOL_MEAN_ALL:
        mean_of_tokens(session, item, 0, tokens, out);
        break;
    case VIT__POOL_CLASS_DISTILLATION:
        mean_of_tokens(session, item, 0, 2, out);
        break;
    case VIT__POOL_CLASS_AND_MEAN:
        copy_token(session, item, 0, out);
        mean_of_tokens(session, item, prefix, tokens, out + c->width);
        break;
    default: /* vit__config_check refuses attention pooling; none: the class token */
        copy_token(session, item, 0, out);
    }
    const vit__norm_weights *norm = &session->model->weights.pooled_norm;
    if (c->pooled_norm)
        session->workers.kernels->layer_norm(out, norm->weight, norm->bias, (float)c->pooled_norm_eps, c->width, out);
}

/* y[items, outputs] = act(W x + b), one vector an image, x_stride floats apart */
static void linear(const vit_session *session, const vit__linear *layer, vit__activation activation, size_t items,
                   const float *x, size_t x_stride, float *y)
{
    vit__gemm_call call = {.linear = layer, .x = x, .y = y, .items = items, .rows = 1, .x_stride = x_stride,
                           .y_stride = layer->outputs, .x_row = layer->inputs, .y_row = layer->outputs,
                           .epilogue = {.activation = activation}};
    session->model->gemm->apply(&call, &session->workers);
}

/* [items, classes] */
static void logits(vit_session *session, size_t items, float *out)
{
    const vit_config *c = &session->model->config;
    const vit__weights *w = &session->model->weights;
    size_t stride = vit__config_tokens(c) * c->width;
    if (c->head == VIT__HEAD_TWO_AVERAGED) {
        linear(session, &w->head, VIT__ACTIVATION_NONE, items, session->y, stride, out);
        linear(session, &w->head_distillation, VIT__ACTIVATION_NONE, items, session->y + c->width, stride,
               session->spare);
        for (size_t i = 0; i < items * c->classes; i++)
            out[i] = (out[i] + session->spare[i]) / 2;
        return;
    }
    for (size_t i = 0; i < items; i++)
        pool(session, i, session->pooled + i * w->head.inputs);
    linear(session, &w->head, VIT__ACTIVATION_NONE, items, session->pooled, w->head.inputs, out);
}

static void probabilities(vit_session *session, size_t items, float *out)
{
    const vit_config *c = &session->model->config;
    logits(session, items, out);
    if (c->multi_label)
        session->workers.kernels->sigmoid(out, items * c->classes);
    else
        for (size_t i = 0; i < items; i++)
            session->workers.kernels->softmax(out + i * c->classes, c->classes);
}

static void embedding(const vit_session *session, size_t item, float *out)
{
    const vit_config *c = &session->model->config;
    if (c->pooled_is_embedding)
        pool(session, item, out);
    else if (c->class_token)
        copy_token(session, item, 0, out);
    else
        mean_of_tokens(session, item, vit__config_prefix(c), vit__config_tokens(c), out);
}

static void answer(vit_session *session, const vit__encoder_batch *batch, const vit_request *request)
{
    const vit_config *c = &session->model->config;
    size_t size = vit_output_size(session->model, request->output, request->layer);
    size_t tokens = vit__config_tokens(c), items = batch->items;
    float *out = request->result + batch->first * size;
    switch (request->output) {
    case VIT_OUTPUT_EMBEDDING:
        for (size_t i = 0; i < items; i++)
            embedding(session, i, out + i * size);
        break;
    case VIT_OUTPUT_CLASS:
        for (size_t i = 0; i < items; i++)
            copy_token(session, i, 0, out + i * size);
        break;
    case VIT_OUTPUT_MEAN:
        for (size_t i = 0; i < items; i++)
            mean_of_tokens(session, i, vit__config_prefix(c), tokens, out + i * size);
        break;
    case VIT_OUTPUT_TOKENS:
        memcpy(out, session->y, items * size * sizeof *out);
        break;
    case VIT_OUTPUT_POOLER:
        linear(session, &session->model->weights.pooler, c->pooler_activation, items, session->y, tokens * c->width,
               out);
        break;
    case VIT_OUTPUT_LOGITS:
        logits(session, items, out);
        break;
    case VIT_OUTPUT_PROBABILITIES:
        probabilities(session, items, out);
        break;
    case VIT_OUTPUT_HIDDEN: /* written between the blocks */
        break;
    }
}

void vit__head_run(vit_session *session, const vit__encoder_batch *batch)
{
    for (size_t i = 0; i < batch->n_requests; i++)
        answer(session, batch, &batch->requests[i]);
}
