/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "attention.h"
#include "encoder.h"
#include "error.h"
#include "memory.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Floats of scratch a thread needs for any layer of the model. */
static size_t scratch_floats(const vit_model *model)
{
    const vit_config *c = &model->config;
    size_t tokens = vit__config_tokens(c), most = vit__attention_scratch(tokens);
    const vit__weights *w = &model->weights;
    const vit__linear *layers[] = {&w->patch, &w->pooler, &w->head, &w->head_distillation};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        most = max_size(most, model->gemm->scratch(layers[i]->inputs, layers[i]->outputs, tokens));
    for (size_t i = 0; i < c->depth; i++) {
        const vit__block_weights *b = &w->blocks[i];
        const vit__linear *inner[] = {&b->qkv, &b->projection, &b->fc1, &b->fc2};
        for (size_t j = 0; j < sizeof inner / sizeof *inner; j++)
            most = max_size(most, model->gemm->scratch(inner[j]->inputs, inner[j]->outputs, tokens));
    }
    return (most + 15) / 16 * 16; /* whole cache lines, so that threads share none */
}

/* The arena's regions, in floats of one image. vit__config_check bounds the sizes, so that sums cannot overflow. */
typedef struct regions {
    size_t tokens, wide, pooled, spare;
} regions;

static regions image_regions(const vit_config *c)
{
    size_t tokens = vit__config_tokens(c);
    size_t patch = c->channels * c->patch_height * c->patch_width;
    size_t wide = max_size(tokens * max_size(3 * c->width, c->mlp_width), vit__config_patches(c) * patch);
    return (regions){tokens * c->width, wide, 2 * c->width, max_size(2 * c->width, c->classes)};
}

static vit_status allocate(vit_session *session, vit_error *err)
{
    regions r = image_regions(&session->model->config);
    size_t threads = vit__pool_threads(session->workers.pool), per_batch, scratch, total;
    size_t per_image = 2 * r.tokens + r.wide + r.pooled + r.spare;
    if (!vit__multiply(per_image, session->max_batch, &per_batch) ||
        !vit__multiply(session->workers.scratch_size, threads, &scratch) || !vit__add(per_batch, scratch, &total))
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "a batch of %zu does not fit in memory", session->max_batch);
    float *next = session->arena = vit__alloc_aligned(total, sizeof(float));
    if (!next)
        return vit__fail_memory(err, NULL);
    session->workers.scratch = next;
    session->x = next += scratch;
    session->y = next += r.tokens * session->max_batch;
    session->wide = next += r.tokens * session->max_batch;
    session->pooled = next += r.wide * session->max_batch;
    session->spare = next + r.pooled * session->max_batch;
    return VIT_OK;
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
    session->workers.scratch_size = scratch_floats(model);
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

/* The first image with a value that is not finite, or n. */
static size_t first_non_finite(const float *values, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++)
            if (!isfinite(values[i * size + j]))
                return i;
    return n;
}

vit_status vit_encode_requests(vit_session *session, const float *pixels, size_t n, const vit_request *requests,
                               size_t n_requests, vit_error *err)
{
    if (!session || (n && !pixels) || (n_requests && !requests))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "encoding needs a session, pixels and requests");
    for (size_t i = 0; i < n_requests; i++) {
        size_t shape[2];
        vit_status status =
            vit_output_shape(session->model, requests[i].output, requests[i].layer, shape, err);
        if (status != VIT_OK)
            return status;
        if (n && !requests[i].result)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "request %zu has no room for its result", i);
    }
    for (size_t done = 0; done < n; done += session->max_batch) {
        size_t items = n - done < session->max_batch ? n - done : session->max_batch;
        vit__encoder_batch batch = {pixels + done * vit_model_pixels_size(session->model), items, done, requests,
                                    n_requests};
        vit__encoder_run(session, &batch);
    }
    for (size_t i = 0; i < n_requests; i++) {
        size_t size = vit_output_size(session->model, requests[i].output, requests[i].layer);
        size_t bad = first_non_finite(requests[i].result, n, size);
        if (bad < n) {
            char where[48];
            snprintf(where, sizeof where, "image %zu", bad);
            return vit__fail(err, VIT_ERR_NON_FINITE, where, "the result holds NaN or infinity");
        }
    }
    return VIT_OK;
}

vit_status vit_encode(vit_session *session, const float *pixels, size_t n, vit_output output, float *result,
                      vit_error *err)
{
    vit_request request = {.output = output, .result = result};
    return vit_encode_requests(session, pixels, n, &request, 1, err);
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
