/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "memory.h"
#include "outputs.h"

static void name_multiplier(vit_session *session)
{
    const vit__tiles *tiles = &session->lanes.lanes[0].workers.tiles;
    const char *instructions[] = {tiles->f32_name, tiles->bf16_name, tiles->int8_name};
    const char *back_end = session->model->gemm->name;
    bool own = session->model->gemm == vit__gemm_tiles();
    snprintf(session->multiplier, sizeof session->multiplier, own ? "%s/%s" : "%s", back_end,
             instructions[session->model->precision]);
}

vit_status vit_session_create(const vit_model *model, const vit_session_options *options, vit_session **result,
                              vit_error *err)
{
    if (result)
        *result = NULL;
    if (!model || !result)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "a session needs an open model");
    vit_session *session = vit__alloc_zero(1, sizeof *session);
    if (!session)
        return vit__fail_memory(err, NULL);
    session->threads = options && options->threads ? options->threads : vit__cpu_count();
    session->model = model;
    size_t max_batch = options && options->max_batch ? options->max_batch : 1;
    vit_status status = vit__lanes_create(model, session->threads, max_batch, &session->lanes, err);
    if (status == VIT_OK)
        name_multiplier(session);
    if (status == VIT_OK)
        *result = session;
    else
        vit_session_free(session);
    return status;
}

void vit_session_free(vit_session *session)
{
    if (!session)
        return;
    vit__lanes_free(&session->lanes);
    free(session);
}

unsigned vit_session_threads(const vit_session *session)
{
    return session->threads;
}

const char *vit_session_kernels(const vit_session *session)
{
    return session->lanes.lanes[0].workers.kernels->name;
}

const char *vit_session_multiplier(const vit_session *session)
{
    return session->multiplier;
}

/* The first image with a value that is not finite, or n. */
static size_t first_non_finite(const float *values, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++)
            if (!isfinite(values[i * size + j]))
                return i;
    return n;
}

static vit_status check_requests(const vit_session *session, size_t n, const vit_request *requests, size_t n_requests,
                                 vit_error *err)
{
    if (n_requests && !requests)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "encoding needs requests");
    for (size_t i = 0; i < n_requests; i++) {
        size_t shape[2];
        vit_status status = vit_output_shape(session->model, requests[i].output, requests[i].layer, shape, err);
        if (status != VIT_OK)
            return status;
        if (n && !requests[i].result)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "request %zu has no room for its result", i);
    }
    return VIT_OK;
}

/* No result may hold NaN or infinity. */
static vit_status check_results(const vit_session *session, const vit__inputs *inputs, vit_error *err)
{
    const vit_config *c = &session->model->config;
    bool words = c->input == VIT__INPUT_TOKENS;
    for (size_t i = 0; i < inputs->n_requests; i++) {
        size_t shape[2];
        vit__output_shape(c, inputs->requests[i].output, words ? inputs->length : vit__config_tokens(c), shape);
        size_t bad = first_non_finite(inputs->requests[i].result, inputs->n, shape[0] * shape[1]);
        if (bad < inputs->n) {
            char where[48];
            snprintf(where, sizeof where, "%s %zu", words ? "text" : "image", bad);
            return vit__fail(err, VIT_ERR_NON_FINITE, where, "the result holds NaN or infinity");
        }
    }
    return VIT_OK;
}

static vit_status encode(vit_session *session, const vit__inputs *inputs, vit_error *err)
{
    vit__lanes_run(&session->lanes, inputs);
    return check_results(session, inputs, err);
}

vit_status vit_encode_requests(vit_session *session, const float *pixels, size_t n, const vit_request *requests,
                               size_t n_requests, vit_error *err)
{
    if (!session || (n && !pixels))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "encoding needs a session and pixels");
    if (session->model->config.input != VIT__INPUT_PIXELS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path, "this is a text tower: it takes token ids");
    vit_status status = check_requests(session, n, requests, n_requests, err);
    if (status != VIT_OK)
        return status;
    vit__inputs inputs = {.pixels = pixels, .n = n, .requests = requests, .n_requests = n_requests};
    return encode(session, &inputs, err);
}

static vit_status check_ids(const vit_session *session, const int32_t *ids, size_t n, size_t length, vit_error *err)
{
    const vit_config *c = &session->model->config;
    if (c->input != VIT__INPUT_TOKENS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "this is an image tower: open the model with its text tower");
    if (length == 0 || length > c->context)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "texts of %zu tokens: the model takes 1 to %zu", length, c->context);
    for (size_t i = 0; i < n * length; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= c->vocabulary)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                             "token id %ld of text %zu is not in the vocabulary of %zu", (long)ids[i], i / length,
                             c->vocabulary);
    return VIT_OK;
}

vit_status vit_encode_text_requests(vit_session *session, const int32_t *ids, size_t n, size_t length,
                                    const vit_request *requests, size_t n_requests, vit_error *err)
{
    if (!session || (n && !ids))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "encoding needs a session and token ids");
    vit_status status = check_ids(session, ids, n, length, err);
    if (status == VIT_OK)
        status = check_requests(session, n, requests, n_requests, err);
    if (status != VIT_OK)
        return status;
    vit__inputs inputs = {.ids = ids, .length = length, .n = n, .requests = requests,
                          .n_requests = n_requests};
    return encode(session, &inputs, err);
}

vit_status vit_encode(vit_session *session, const float *pixels, size_t n, vit_output output, float *result,
                      vit_error *err)
{
    vit_request request = {.output = output, .result = result};
    return vit_encode_requests(session, pixels, n, &request, 1, err);
}

vit_status vit_encode_text(vit_session *session, const int32_t *ids, size_t n, size_t length, vit_output output,
                           float *result, vit_error *err)
{
    vit_request request = {.output = output, .result = result};
    return vit_encode_text_requests(session, ids, n, length, &request, 1, err);
}

/* k is small: the best of what is left, k times. */
void vit_top_k(const float *scores, size_t n, size_t k, size_t *indices)
{
    for (size_t rank = 0; rank < k && rank < n; rank++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            size_t last = rank ? indices[rank - 1] : 0;
            bool after = !rank || scores[i] < scores[last] || (scores[i] == scores[last] && i > last);
            if (after && (best == n || scores[i] > scores[best]))
                best = i;
        }
        indices[rank] = best;
    }
}
