/* SPDX-License-Identifier: BSD-2-Clause */
#include "rows.h"

#include <string.h>

#define NORM_ROWS 16 /* rows a task norms */

typedef struct rows_work {
    const vit__workers *workers;
    const vit__norm_weights *norm;
    const float *x, *scale;
    float *y;
    size_t rows, width;
} rows_work;

static void norm_rows(void *context, size_t index, unsigned thread)
{
    const rows_work *work = context;
    (void)thread;
    size_t last = (index + 1) * NORM_ROWS < work->rows ? (index + 1) * NORM_ROWS : work->rows;
    for (size_t row = index * NORM_ROWS; row < last; row++)
        vit__norm_row(work->workers->kernels, work->norm, work->width, work->x + row * work->width,
                      work->y + row * work->width);
}

void vit__rows_norm(const vit__workers *workers, const vit__norm_weights *norm, size_t rows, size_t width,
                    const float *x, float *y)
{
    rows_work work = {.workers = workers, .norm = norm, .x = x, .y = y, .rows = rows, .width = width};
    vit__pool_run(workers->pool, (rows + NORM_ROWS - 1) / NORM_ROWS, norm_rows, &work);
}

static void add_row(void *context, size_t index, unsigned thread)
{
    const rows_work *work = context;
    (void)thread;
    float *y = work->y + index * work->width;
    vit__epilogue_row row = {.scale = work->scale, .residual = y};
    work->workers->kernels->epilogue(work->x + index * work->width, &row, work->width, y);
}

void vit__rows_add(const vit__workers *workers, const float *branch, const float *scale, size_t rows, size_t width,
                   float *x)
{
    rows_work work = {.workers = workers, .x = branch, .scale = scale, .y = x, .rows = rows, .width = width};
    vit__pool_run(workers->pool, rows, add_row, &work);
}

/* One row of a patch, of which the picture has `there` values. */
static void copy_pixels(const float *pixels, size_t there, size_t width, float *out)
{
    memcpy(out, pixels, there * sizeof *out);
    memset(out + there, 0, (width - there) * sizeof *out);
}

void vit__rows_patch(const vit_config *c, const vit__picture *picture, size_t patch, float *out)
{
    size_t height = picture->height, width = picture->width, more = c->stages.pads_picture ? c->patch_width - 1 : 0;
    size_t across = (width + more) / c->patch_width;
    size_t x = patch % across * c->patch_width, y = patch / across * c->patch_height;
    size_t there = width - x < c->patch_width ? width - x : c->patch_width;
    const float *pixels = picture->pixels;
    for (size_t channel = 0; channel < c->channels; channel++, pixels += height * width)
        for (size_t row = y; row < y + c->patch_height; row++, out += c->patch_width)
            if (row < height)
                copy_pixels(pixels + row * width + x, there, c->patch_width, out);
            else
                memset(out, 0, c->patch_width * sizeof *out);
}
