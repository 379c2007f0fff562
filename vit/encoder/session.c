/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "attention.h"
#include "encoder.h"
#include "error.h"
#include "head.h"
#include "memory.h"
#include "outputs.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Floats that any layer of the model needs: scratch of a thread, and operand memory of an input. */
typedef struct layer_need {
    const vit__gemm *gemm;
    size_t rows, scratch, operand;
} layer_need;

static void need_memory(vit__linear *linear, void *context)
{
    layer_need *need = context;
    need->scratch = max_size(need->scratch, need->gemm->scratch(linear->inputs, linear->outputs, need->rows));
    need->operand = max_size(need->operand, need->gemm->operand(linear, need->rows));
}

static layer_need layer_needs(const vit_model *model)
{
    size_t tokens = vit__config_tokens(&model->config);
    size_t scratch = max_size(vit__attention_scratch(tokens, model->config.head_dim), vit__pool_scratch(&model->config));
    layer_need need = {model->gemm, tokens, scratch, 0};
    vit__weights weights = model->weights; /* a copy of its pointers: the visit takes what may be changed */
    vit__weights_each_linear(&model->config, &weights, need_memory, &need);
    need.scratch = (need.scratch + 15) / 16 * 16; /* whole cache lines, so that threads share none */
    return need;
}

/* The arena's regions, in floats of one input. vit__config_finish bounds the sizes, so that sums cannot overflow. */
typedef struct regions {
    size_t x, y, wide, parallel, difference, pooled, spare, operand;
} regions;

static regions input_regions(const vit_model *model)
{
    const vit_config *c = &model->config;
    size_t tokens = vit__config_tokens(c), attention = vit__config_attention_width(c);
    size_t fc1 = c->mlp == VIT__MLP_GATED ? 2 * c->mlp_width : c->mlp_width;
    size_t token = max_size(max_size(3 * attention, fc1), max_size(2 * c->width, c->pool_mlp_width));
    size_t patches = c->input == VIT__INPUT_PIXELS
                         ? vit__config_patches(c) * c->channels * c->patch_height * c->patch_width
                         : 0;
    return (regions){
        .x = tokens * c->width,
        .y = tokens * max_size(c->width, attention),
        .wide = max_size(tokens * token, patches),
        .parallel = c->order == VIT__BLOCK_PARALLEL || c->order == VIT__BLOCK_BRANCHES ? tokens * c->width : 0,
        .difference = c->attention == VIT__ATTENTION_DIFFERENTIAL ? tokens * attention : 0,
        .pooled = 2 * c->width,
        .spare = max_size(2 * c->width, c->classes),
        .operand = layer_needs(model).operand,
    };
}

static vit_status allocate(vit_session *session, vit_error *err)
{
    regions r = input_regions(session->model);
    size_t threads = vit__pool_threads(session->workers.pool), per_batch, scratch, total;
    size_t per_input = r.x + r.y + r.wide + r.parallel + r.difference + r.pooled + r.spare + r.operand;
    if (!vit__multiply(per_input, session->max_batch, &per_batch) ||
        !vit__multiply(session->workers.scratch_size, threads, &scratch) || !vit__add(per_batch, scratch, &total))
        return vit__fail(err, VIT_ERR_TOO_LARGE, session->model->path, "a batch of %zu does not fit in memory",
                         session->max_batch);
    float *next = session->arena = vit__alloc_aligned(total, sizeof(float));
    if (!next)
        return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, session->model->path,
                         "a batch of %zu needs %zu MiB, more memory than there is", session->max_batch, total / 262144);
    session->workers.scratch = next;
    session->workers.operand = next += scratch;
    session->x = next += r.operand * session->max_batch;
    session->y = next += r.x * session->max_batch;
    session->wide = next += r.y * session->max_batch;
    session->parallel = next += r.wide * session->max_batch;
    session->difference = next += r.parallel * session->max_batch;
    session->pooled = next += r.difference * session->max_batch;
    session->spare = next + r.pooled * session->max_batch;
    return VIT_OK;
}

static void name_multiplier(vit_session *session)
{
    const vit__tiles *tiles = &session->workers.tiles;
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
    unsigned threads = options && options->threads ? options->threads : vit__cpu_count();
    session->model = model;
    session->max_batch = options && options->max_batch ? options->max_batch : 1;
    session->workers.kernels = vit__kernels_get(vit__cpu_detect());
    session->workers.tiles = vit__tiles_get(vit__cpu_detect());
    session->workers.scratch_size = layer_needs(model).scratch;
    name_multiplier(session);
    vit_status status = vit__pool_create(threads, &session->workers.pool, err);
    if (status == VIT_OK)
        status = allocate(session, err);
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
    vit__pool_free(session->workers.pool);
    free(session->arena);
    free(session);
}

unsigned vit_session_threads(const vit_session *session)
{
    return vit__pool_threads(session->workers.pool);
}

const char *vit_session_kernels(const vit_session *session)
{
    return session->workers.kernels->name;
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

/* After the last batch: no result may hold NaN or infinity. */
static vit_status check_results(const vit_session *session, size_t n, const vit_request *requests, size_t n_requests,
                                vit_error *err)
{
    for (size_t i = 0; i < n_requests; i++) {
        size_t shape[2];
        vit__output_shape(&session->model->config, requests[i].output, session->tokens, shape);
        size_t bad = first_non_finite(requests[i].result, n, shape[0] * shape[1]);
        if (bad < n) {
            char where[48];
            snprintf(where, sizeof where, "%s %zu", session->model->config.input == VIT__INPUT_TOKENS ? "text" : "image",
                     bad);
            return vit__fail(err, VIT_ERR_NON_FINITE, where, "the result holds NaN or infinity");
        }
    }
    return VIT_OK;
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
    for (size_t done = 0; done < n; done += session->max_batch) {
        size_t items = n - done < session->max_batch ? n - done : session->max_batch;
        vit__encoder_batch batch = {.pixels = pixels + done * vit_model_pixels_size(session->model), .items = items,
                                    .first = done, .requests = requests, .n_requests = n_requests};
        vit__encoder_run(session, &batch);
    }
    return check_results(session, n, requests, n_requests, err);
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
    for (size_t done = 0; done < n; done += session->max_batch) {
        size_t items = n - done < session->max_batch ? n - done : session->max_batch;
        vit__encoder_batch batch = {.ids = ids + done * length, .length = length, .items = items, .first = done,
                                    .requests = requests, .n_requests = n_requests};
        vit__encoder_run(session, &batch);
    }
    return check_results(session, n, requests, n_requests, err);
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
