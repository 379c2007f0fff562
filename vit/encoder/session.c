/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "memory.h"
#include "outputs.h"
#include "places.h"
#include "size.h"

static void name_multiplier(vit_session *session)
{
    const vit__tiles *tiles = &session->lanes.lanes[0].workers.tiles;
    const char *instructions[] = {[VIT_PRECISION_F32] = tiles->f32.name,
                                  [VIT_PRECISION_BF16] = tiles->bf16.name,
                                  [VIT_PRECISION_INT8] = tiles->int8.name};
    const char *back_end = session->model->gemm->name;
    snprintf(session->multiplier, sizeof session->multiplier, session->model->gemm->tiles ? "%s/%s" : "%s", back_end,
             instructions[session->model->precision]);
}

vit_status vit__session_create(const vit_model *model, const vit_session_options *options, unsigned processors,
                               vit_session **result, vit_error *err)
{
    *result = NULL;
    vit_session *session = vit__alloc_zero(1, sizeof *session);
    if (!session)
        return vit__fail_memory(err, NULL);
    session->process = getpid();
    session->threads = options && options->threads ? options->threads : processors;
    session->model = model;
    size_t max_batch = options && options->max_batch ? options->max_batch : 1;
    unsigned working = (unsigned)vit__smaller(session->threads, processors);
    vit_status status = vit__lanes_create(model, working, max_batch, &session->lanes, err);
    if (status == VIT_OK)
        name_multiplier(session);
    if (status == VIT_OK)
        *result = session;
    else
        vit_session_free(session);
    return status;
}

vit_status vit_session_create(const vit_model *model, const vit_session_options *options, vit_session **result,
                              vit_error *err)
{
    if (result)
        *result = NULL;
    if (!model || !result)
        return vit__fail_null(err, __func__, model ? "session" : "model");
    if (options && VIT__CHECK_RESERVED(err, __func__, options) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    return vit__session_create(model, options, vit__cpu_count(), result, err);
}

unsigned vit_usable_threads(void)
{
    return vit__cpu_count();
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
    return session ? session->threads : 0;
}

const char *vit_session_kernels(const vit_session *session)
{
    return session ? session->lanes.lanes[0].workers.kernels->name : NULL;
}

const char *vit_session_multiplier(const vit_session *session)
{
    return session ? session->multiplier : NULL;
}

/* ------------------------------------------------------------------ arguments ---- */

/* One of the five public functions that encode, and what it was given. */
typedef struct encoding {
    const char *function;
    vit_status (*check)(const struct encoding *call, const vit_session *session, vit_error *err); /* of its inputs */
    vit__inputs inputs;
} encoding;

/* Whether n items of so many elements of so many bytes can lie in memory. */
static vit_status check_size(const encoding *call, size_t elements, size_t size, vit_error *err)
{
    size_t all, bytes;
    if (vit__multiply(call->inputs.n, elements, &all) && vit__multiply(all, size, &bytes))
        return VIT_OK;
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, call->function, "n is %zu: no memory holds as many",
                     call->inputs.n);
}

static vit_status check_request(const encoding *call, const vit_session *session, size_t index, vit_error *err)
{
    const vit_request *request = &call->inputs.requests[index];
    size_t shape[2];
    vit_status status = vit_output_shape(session->model, request->output, request->layer, shape, err);
    if (status == VIT_OK)
        status = check_size(call, shape[0] * shape[1], sizeof *request->result, err);
    if (status == VIT_OK && call->inputs.n && !request->result)
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, call->function, "requests[%zu].result is NULL", index);
    return status;
}

static vit_status check_requests(const encoding *call, const vit_session *session, vit_error *err)
{
    vit_status status = VIT_OK;
    if (call->inputs.n_requests && !call->inputs.requests)
        return vit__fail_null(err, call->function, "requests");
    for (size_t i = 0; i < call->inputs.n_requests && status == VIT_OK; i++)
        status = check_request(call, session, i, err);
    return status;
}

static vit_status check_pixels(const encoding *call, const vit_session *session, vit_error *err)
{
    if (call->inputs.n && !call->inputs.pixels)
        return vit__fail_null(err, call->function, "pixels");
    if (session->model->config.input != VIT__INPUT_PIXELS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "this is a text tower: it takes token ids");
    if (session->model->config.patches_most)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "each picture of this model has a size of its own: vit_encode_pictures takes it");
    size_t pixels = vit_model_pixels_size(session->model);
    return check_size(call, pixels, sizeof *call->inputs.pixels, err);
}

/* A picture must have the model's size; or, where each has a size of its own, no more patches than the model takes. */
static vit_status check_picture(const vit_session *session, size_t index, const vit_pixels *picture, vit_error *err)
{
    const vit_config *c = &session->model->config;
    size_t patches = vit__config_patches_of(c, picture->height, picture->width);
    bool fits = c->patches_most ? patches > 0 && patches <= c->patches_most
                                : picture->height == c->image_height && picture->width == c->image_width;
    if (fits && picture->values)
        return VIT_OK;
    if (!picture->values)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path, "the values of picture %zu are NULL",
                         index);
    if (c->patches_most)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "picture %zu has %lux%lu pixels, %zu patches of %zux%zu: the model takes 1 to %zu", index,
                         (unsigned long)picture->width, (unsigned long)picture->height, patches, c->patch_width,
                         c->patch_height, c->patches_most);
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                     "picture %zu has %lux%lu pixels: the model runs at %zux%zu", index, (unsigned long)picture->width,
                     (unsigned long)picture->height, c->image_width, c->image_height);
}

static vit_status check_pictures(const encoding *call, const vit_session *session, vit_error *err)
{
    const vit__inputs *inputs = &call->inputs;
    if (inputs->n && !inputs->pictures)
        return vit__fail_null(err, call->function, "pictures");
    if (session->model->config.input != VIT__INPUT_PIXELS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                         "this is a text tower: it takes token ids");
    vit_status status = check_size(call, 1, sizeof *inputs->pictures, err);
    for (size_t i = 0; i < inputs->n && status == VIT_OK; i++)
        status = check_picture(session, i, &inputs->pictures[i], err);
    return status;
}

static vit_status check_ids(const encoding *call, const vit_session *session, vit_error *err)
{
    const vit_config *c = &session->model->config;
    const char *path = session->model->path;
    size_t length = call->inputs.length;
    if (call->inputs.n && !call->inputs.ids)
        return vit__fail_null(err, call->function, "ids");
    if (c->input != VIT__INPUT_TOKENS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, path,
                         "this is an image tower: open the model with its text tower");
    if (length == 0 || length > c->context)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, path, "texts of %zu tokens: the model takes 1 to %zu", length,
                         c->context);
    return check_size(call, length, sizeof *call->inputs.ids, err);
}

/* Only once the sizes are known to be sound: it reads every id. */
static vit_status check_vocabulary(const encoding *call, const vit_session *session, vit_error *err)
{
    const int32_t *ids = call->inputs.ids;
    size_t length = call->inputs.length, vocabulary = session->model->config.vocabulary;
    for (size_t i = 0; i < call->inputs.n * length; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= vocabulary)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                             "token id %ld of text %zu is not in the vocabulary of %zu", (long)ids[i], i / length,
                             vocabulary);
    for (size_t i = 0; i < call->inputs.n; i++)
        if (vit__places_find(&session->model->config, ids + i * length, length, NULL) == 0)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, session->model->path,
                             "text %zu is nothing but padding, token id %zu", i, session->model->config.pad_token);
    return VIT_OK;
}

/* ------------------------------------------------------------------ encoding ---- */

/* The first image with a value that is not finite, or n. */
static size_t first_non_finite(const float *values, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++)
            if (!isfinite(values[i * size + j]))
                return i;
    return n;
}

/* No result may hold NaN or infinity. */
static vit_status check_results(const vit_session *session, const vit__inputs *inputs, vit_error *err)
{
    const vit_config *c = &session->model->config;
    bool words = c->input == VIT__INPUT_TOKENS;
    for (size_t i = 0; i < inputs->n_requests; i++) {
        size_t shape[2];
        vit__output_shape(c, inputs->requests[i].output, inputs->requests[i].layer,
                          words ? inputs->length + c->class_behind : vit__config_tokens(c), shape);
        size_t bad = first_non_finite(inputs->requests[i].result, inputs->n, shape[0] * shape[1]);
        if (bad < inputs->n) {
            char where[48];
            snprintf(where, sizeof where, "%s %zu", words ? "text" : "image", bad);
            return vit__fail(err, VIT_ERR_NON_FINITE, where, "the result holds NaN or infinity");
        }
    }
    return VIT_OK;
}

/* A child of fork() has the memory of its parent's threads, and not the threads: it would wait for ever. */
static vit_status check_process(const encoding *call, const vit_session *session, vit_error *err)
{
    if (session->threads == 1 || session->process == getpid())
        return VIT_OK;
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, call->function,
                     "the session was made before fork(), and its %u threads are in the parent process alone: make a "
                     "session of its own in each child",
                     session->threads);
}

static vit_status encode(vit_session *session, const encoding *call, vit_error *err)
{
    if (!session)
        return vit__fail_null(err, call->function, "session");
    vit_status status = check_process(call, session, err);
    if (status == VIT_OK)
        status = call->check(call, session, err);
    if (status == VIT_OK)
        status = check_requests(call, session, err);
    if (status == VIT_OK && call->check == check_ids)
        status = check_vocabulary(call, session, err);
    if (status == VIT_OK)
        status = vit_model_check(session->model, err);
    if (status != VIT_OK)
        return status;
    vit__lanes_run(&session->lanes, &call->inputs);
    status = vit_model_check(session->model, err);
    return status != VIT_OK ? status : check_results(session, &call->inputs, err);
}

vit_status vit_encode_requests(vit_session *session, const float *pixels, size_t n, const vit_request *requests,
                               size_t n_requests, vit_error *err)
{
    const encoding call = {
        __func__, check_pixels, {.pixels = pixels, .n = n, .requests = requests, .n_requests = n_requests}};
    return encode(session, &call, err);
}

vit_status vit_encode_pictures(vit_session *session, const vit_pixels *pictures, size_t n, const vit_request *requests,
                               size_t n_requests, vit_error *err)
{
    const encoding call = {
        __func__, check_pictures, {.pictures = pictures, .n = n, .requests = requests, .n_requests = n_requests}};
    return encode(session, &call, err);
}

vit_status vit_encode_text_requests(vit_session *session, const int32_t *ids, size_t n, size_t length,
                                    const vit_request *requests, size_t n_requests, vit_error *err)
{
    const encoding call = {
        __func__, check_ids, {.ids = ids, .length = length, .n = n, .requests = requests, .n_requests = n_requests}};
    return encode(session, &call, err);
}

vit_status vit_encode(vit_session *session, const float *pixels, size_t n, vit_output output, float *result,
                      vit_error *err)
{
    const vit_request request = {.output = output, .result = result};
    const encoding call = {__func__, check_pixels, {.pixels = pixels, .n = n, .requests = &request, .n_requests = 1}};
    return n && !result ? vit__fail_null(err, __func__, "result") : encode(session, &call, err);
}

vit_status vit_encode_text(vit_session *session, const int32_t *ids, size_t n, size_t length, vit_output output,
                           float *result, vit_error *err)
{
    const vit_request request = {.output = output, .result = result};
    const encoding call = {
        __func__, check_ids, {.ids = ids, .length = length, .n = n, .requests = &request, .n_requests = 1}};
    return n && !result ? vit__fail_null(err, __func__, "result") : encode(session, &call, err);
}

/* Whether score i comes before score j: the larger, of equals the first, NaN after all numbers. */
static bool comes_before(const float *scores, size_t i, size_t j)
{
    bool no_i = isnan(scores[i]), no_j = isnan(scores[j]);
    if (no_i != no_j)
        return no_j;
    return scores[i] > scores[j] || (i < j && (no_i || scores[i] == scores[j]));
}

/* k is small: the best of what is left, k times. */
void vit_top_k(const float *scores, size_t n, size_t k, size_t *indices)
{
    if (!scores || !indices)
        return;
    for (size_t rank = 0; rank < k && rank < n; rank++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            bool left = !rank || comes_before(scores, indices[rank - 1], i);
            if (left && (best == n || comes_before(scores, i, best)))
                best = i;
        }
        indices[rank] = best;
    }
}
