/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies, nearest neighbours, and vit_image_resize. The two passes are in resize_passes.c. */
#include "resize.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "image.h"
#include "memory.h"
#include "resize_weights.h"

/* A row of the result that was picked out of the source: column[i] is the source of pixel i. */
static void pick_row(const vit__resize_job *job, const uint32_t *column, uint32_t source_y, uint8_t *out)
{
    for (uint32_t i = 0; i < job->columns; i++)
        memcpy(out + 3 * (size_t)i, vit__pixel(job->image, column[i], source_y), 3);
}

static void take_rows(const vit__resize_job *job, const uint32_t *column, const uint32_t *row, uint8_t *pixels,
                      float *floats)
{
    for (uint32_t i = 0; i < job->rows; i++) {
        vit__span span = {job->left, job->top + i, job->columns, floats};
        pick_row(job, column, row[i], pixels);
        if (floats)
            vit__resize_floats(pixels, job->columns, job->factor, floats);
        else
            span.samples = pixels;
        job->take(job->context, &span);
    }
}

/* Also a copy: the nearest neighbours of a picture of the same size are itself. */
static vit_status resize_nearest(const vit__resize_job *job, vit_error *err)
{
    const vit_image *image = job->image;
    bool torchvision = job->floats || job->resampler == VIT_RESAMPLER_TORCHVISION;
    uint32_t *column = vit__alloc(job->columns, sizeof *column), *row = vit__alloc(job->rows, sizeof *row);
    uint8_t *pixels = vit__alloc(job->columns, 3);
    float *floats = job->floats ? vit__alloc(job->columns, 3 * sizeof *floats) : NULL;
    vit_status status = VIT_OK;
    if (column && row && pixels && (floats || !job->floats)) {
        vit__nearest_indices(image->width, job->width, torchvision, job->left, job->columns, column);
        vit__nearest_indices(image->height, job->height, torchvision, job->top, job->rows, row);
        take_rows(job, column, row, pixels, floats);
    } else {
        status = vit__fail_memory(err, NULL);
    }
    free(column);
    free(row);
    free(pixels);
    free(floats);
    return status;
}

vit_status vit__resize(const vit__resize_job *job, vit_error *err)
{
    bool same = job->width == job->image->width && job->height == job->image->height;
    return same || job->filter == VIT_FILTER_NEAREST ? resize_nearest(job, err) : vit__resize_passes(job, err);
}

static void take_into_image(void *context, const vit__span *span)
{
    const vit_image *image = context;
    memcpy(image->pixels + 3 * ((size_t)span->y * image->width + span->x), span->samples, (size_t)3 * span->n);
}

vit_status vit_image_resize(const vit_image *src, vit_image *dst, vit_filter filter, vit_resampler resampler,
                            vit_error *err)
{
    vit_status status = vit__check_image(src, __func__, "src", err);
    if (status == VIT_OK)
        status = vit__check_image(dst, __func__, "dst", err);
    if (status != VIT_OK)
        return status;
    if ((unsigned)filter > VIT_FILTER_HAMMING)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "there is no filter %d", (int)filter);
    if ((unsigned)resampler > VIT_RESAMPLER_TORCHVISION)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "there is no resampler %d", (int)resampler);
    vit__resize_job job = {
        .image = src,
        .width = dst->width,
        .height = dst->height,
        .columns = dst->width,
        .rows = dst->height,
        .filter = filter,
        .resampler = resampler,
        .take = take_into_image,
        .context = dst,
    };
    return vit__resize(&job, err);
}
