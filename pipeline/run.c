/* SPDX-License-Identifier: BSD-2-Clause */
/* From items to results: the feeder reads, batches are encoded, and results go out in order. */
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "error.h"
#include "memory.h"

/* A run that is going on. */
typedef struct run {
    vit_pipeline *pipeline;
    const vit_stream *stream;
    vit__feeder *feeder;
    vit__batch batch;
    uint64_t delivered; /* items */
} run;

/* ------------------------------------------------------------------ results ---- */

static void normalize(const run *r, float *values)
{
    size_t columns = r->pipeline->size / r->pipeline->rows;
    for (size_t i = 0; i < r->batch.result_size; i += columns)
        vit_to_unit_length(values + i, columns);
}

/* The last steps for an item's values: the draw from the latent, and the length of 1. */
static void finish(const run *r, size_t i, float *values)
{
    const vit_pipeline_options *s = &r->pipeline->settings;
    uint64_t stride = r->stream->stride ? r->stream->stride : 1;
    if (s->sample)
        vit_latent_draw(s->seed, r->stream->position + r->delivered * stride,
                        r->batch.log_variances + r->batch.row_of[i] * r->batch.result_size, r->batch.result_size,
                        values);
    if (s->normalize)
        normalize(r, values);
}

static bool deliver_item(run *r, size_t i)
{
    vit__fed *fed = &r->batch.fed[i];
    float *values = vit__batch_values(&r->batch, i);
    if (values)
        finish(r, i, values);
    const vit_result result = {.item = fed->item,
                               .error = values ? NULL : &fed->error,
                               .values = values,
                               .size = values ? r->batch.result_size : 0,
                               .width = fed->loaded.width,
                               .height = fed->loaded.height,
                               .seconds = fed->loaded.seconds};
    r->delivered++;
    return r->stream->take(r->stream->context, &result) == 0;
}

static void drop(const run *r, const vit_item *item)
{
    if (r->stream->drop)
        r->stream->drop(r->stream->context, item);
}

/* false: the caller wants no more; what was not delivered is dropped. */
static bool deliver(run *r)
{
    bool wanted = true;
    for (size_t i = 0; i < r->batch.n; i++) {
        if (wanted)
            wanted = deliver_item(r, i);
        else
            drop(r, &r->batch.fed[i].item);
    }
    return wanted;
}

/* ------------------------------------------------------------------ the run ---- */

/* What vit_pipeline_cancel reaches. */
static void set_feeder(vit_pipeline *pipeline, vit__feeder *feeder)
{
    pthread_mutex_lock(&pipeline->running);
    pipeline->feeder = feeder;
    pthread_mutex_unlock(&pipeline->running);
}

void vit_pipeline_cancel(vit_pipeline *pipeline)
{
    if (!pipeline)
        return;
    pthread_mutex_lock(&pipeline->running);
    if (pipeline->feeder)
        vit__feeder_cancel(pipeline->feeder);
    pthread_mutex_unlock(&pipeline->running);
}

static vit_status run_batches(run *r, vit_error *err)
{
    bool wanted = true;
    while (wanted && vit__batch_fill(r->pipeline, r->feeder, &r->batch)) {
        vit__batch_encode(r->pipeline, &r->batch);
        wanted = deliver(r) && (!r->stream->batch_taken || r->stream->batch_taken(r->stream->context) == 0);
    }
    if (wanted && !vit__feeder_cancelled(r->feeder))
        return VIT_OK;
    return vit__fail(err, VIT_ERR_CANCELLED, r->pipeline->name, "ended by its caller after %llu items",
                     (unsigned long long)r->delivered);
}

static vit_status run_stream(vit_pipeline *pipeline, const vit_stream *stream, vit_error *err)
{
    run r = {.pipeline = pipeline, .stream = stream};
    vit_status status = vit_pipeline_start(pipeline, err);
    if (status == VIT_OK)
        status = vit__batch_create(pipeline, &r.batch, err);
    if (status == VIT_OK)
        status = vit__feeder_start(pipeline, stream, &r.feeder, err);
    if (status == VIT_OK) {
        set_feeder(pipeline, r.feeder);
        status = run_batches(&r, err);
        set_feeder(pipeline, NULL);
        if (r.batch.waiting)
            drop(&r, &r.batch.next.item);
        vit__feeder_free(r.feeder);
    }
    vit__batch_free(&r.batch);
    return status;
}

vit_status vit_pipeline_run(vit_pipeline *pipeline, const vit_stream *stream, vit_error *err)
{
    bool given = stream && (stream->next || stream->paths);
    if (!pipeline || !given || !stream->take)
        return vit__fail_null(err, __func__, !pipeline ? "pipeline" : !stream ? "stream" : given ? "take" : "next");
    if (VIT__CHECK_RESERVED(err, __func__, stream) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    vit_error own = {0}; /* the caller's may hold an error of before */
    pthread_mutex_lock(&pipeline->turn);
    vit_status status = run_stream(pipeline, stream, &own);
    pthread_mutex_unlock(&pipeline->turn);
    return status == VIT_OK ? VIT_OK : vit__fail(err, status, own.where, "%s", own.message);
}

/* ------------------------------------------------------------------ arrays ---- */

typedef struct items {
    const vit_item *items;
    size_t n, given, taken;
    float *results;
    size_t size;       /* floats of a row of results */
    vit_error *errors; /* NULL: the first one is kept */
    vit_error first;
} items;

static int next_item(void *context, vit_item *item)
{
    items *a = context;
    if (a->given == a->n)
        return 0;
    *item = a->items[a->given++];
    return 1;
}

static int take_result(void *context, const vit_result *result)
{
    items *a = context;
    float *row = a->results + a->taken * a->size;
    memset(row, 0, a->size * sizeof *row);
    if (a->errors)
        a->errors[a->taken] = result->error ? *result->error : (vit_error){0};
    else if (result->error && a->first.status == VIT_OK)
        a->first = *result->error;
    if (result->values)
        memcpy(row, result->values, result->size * sizeof *row);
    a->taken++;
    return 0;
}

vit_status vit_pipeline_encode(vit_pipeline *pipeline, const vit_item *array, size_t n, float *results,
                               vit_error *errors, vit_error *err)
{
    if (!pipeline || (n && (!array || !results)))
        return vit__fail_null(err, __func__, !pipeline ? "pipeline" : array ? "results" : "items");
    items a = {.items = array, .n = n, .results = results, .size = pipeline->size, .errors = errors};
    const vit_stream stream = {.next = next_item, .take = take_result, .context = &a};
    vit_status status = vit_pipeline_run(pipeline, &stream, err);
    if (status == VIT_OK && a.first.status != VIT_OK)
        return vit__fail(err, a.first.status, a.first.where, "%s", a.first.message);
    return status;
}
