/* SPDX-License-Identifier: BSD-2-Clause */
#include "batch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

vit_status vit__batch_create(const vit_pipeline *pipeline, vit__batch *batch, vit_error *err)
{
    const vit_pipeline_options *s = &pipeline->settings;
    size_t row = vit_pipeline_row_size(pipeline);
    *batch = (vit__batch){
        .fed = vit__alloc_zero(s->batch, sizeof *batch->fed),
        .row_of = vit__alloc(s->batch, sizeof *batch->row_of),
        .row = vit__alloc(s->batch, row),
        .pictures = vit__alloc(s->batch, sizeof *batch->pictures),
        .results = vit__alloc(s->batch * sizeof(float), pipeline->size),
        .log_variances = s->sample ? vit__alloc(s->batch * sizeof(float), pipeline->size) : NULL,
        .next_row = vit__alloc(1, row),
    };
    if (batch->fed && batch->row_of && batch->row && batch->pictures && batch->results && batch->next_row &&
        (batch->log_variances || !s->sample))
        return VIT_OK;
    vit__batch_free(batch);
    return vit__fail_memory(err, pipeline->name);
}

void vit__batch_free(vit__batch *batch)
{
    free(batch->fed);
    free(batch->row_of);
    free(batch->row);
    free(batch->pictures);
    free(batch->results);
    free(batch->log_variances);
    free(batch->next_row);
    *batch = (vit__batch){0};
}

/* ------------------------------------------------------------------ filling ---- */

/* Pixels are read where they belong, as each picture has a row of its own; a text is looked at first. */
static bool look_ahead(const vit_pipeline *pipeline, vit__feeder *feeder, vit__batch *batch)
{
    bool text = vit__pipeline_takes_text(pipeline);
    void *row = text ? batch->next_row : batch->row + batch->rows * vit_pipeline_row_size(pipeline);
    if (!batch->waiting)
        batch->waiting = vit__feeder_next(feeder, &batch->next, row);
    return batch->waiting;
}

/* A text or a picture into the next row. */
static void place(const vit_pipeline *pipeline, vit__batch *batch)
{
    const vit_loaded *loaded = &batch->next.loaded;
    batch->length = loaded->length;
    if (vit__pipeline_takes_text(pipeline)) {
        size_t bytes = loaded->length * sizeof(int32_t);
        memcpy(batch->row + batch->rows * bytes, batch->next_row, bytes);
    } else {
        const void *row = batch->row + batch->rows * vit_pipeline_row_size(pipeline);
        batch->pictures[batch->rows] = (vit_pixels){row, loaded->pixels_width, loaded->pixels_height};
    }
    batch->rows++;
}

/* Puts the next item into the batch. false: it is a text of another length. */
static bool take(const vit_pipeline *pipeline, vit__batch *batch)
{
    bool usable = batch->next.error.status == VIT_OK;
    if (usable && vit__pipeline_takes_text(pipeline) && batch->rows > 0 && batch->next.loaded.length != batch->length)
        return false;
    batch->row_of[batch->n] = usable ? batch->rows : SIZE_MAX;
    batch->fed[batch->n++] = batch->next;
    batch->waiting = false;
    if (usable)
        place(pipeline, batch);
    return true;
}

bool vit__batch_fill(const vit_pipeline *pipeline, vit__feeder *feeder, vit__batch *batch)
{
    batch->n = batch->rows = 0;
    while (batch->n < pipeline->settings.batch && look_ahead(pipeline, feeder, batch) && take(pipeline, batch))
        ;
    bool by_token = vit__pipeline_takes_text(pipeline) && pipeline->rows > 1;
    batch->result_size = by_token ? pipeline->size / pipeline->rows * batch->length : pipeline->size;
    return batch->n > 0;
}

/* ------------------------------------------------------------------ encoding ---- */

/* Rows first, first + 1, ... */
static vit_status encode(vit_pipeline *pipeline, const vit__batch *batch, size_t first, size_t rows, vit_error *err)
{
    const vit_pipeline_options *s = &pipeline->settings;
    const vit_request requests[] = {
        {s->output, s->layer, batch->results + first * batch->result_size},
        {VIT_OUTPUT_LATENT_LOG_VARIANCE, 0, s->sample ? batch->log_variances + first * batch->result_size : NULL}};
    size_t n = s->sample ? 2 : 1;
    if (!vit__pipeline_takes_text(pipeline))
        return vit_encode_pictures(pipeline->session, batch->pictures + first, rows, requests, n, err);
    const void *ids = batch->row + first * batch->length * sizeof(int32_t);
    return vit_encode_text_requests(pipeline->session, ids, rows, batch->length, requests, n, err);
}

void vit__batch_encode(vit_pipeline *pipeline, vit__batch *batch)
{
    if (batch->rows > 1 && encode(pipeline, batch, 0, batch->rows, NULL) == VIT_OK)
        return;
    for (size_t i = 0; i < batch->n; i++)
        if (batch->row_of[i] != SIZE_MAX)
            encode(pipeline, batch, batch->row_of[i], 1, &batch->fed[i].error);
}

float *vit__batch_values(const vit__batch *batch, size_t i)
{
    bool failed = batch->row_of[i] == SIZE_MAX || batch->fed[i].error.status != VIT_OK;
    return failed ? NULL : batch->results + batch->row_of[i] * batch->result_size;
}
