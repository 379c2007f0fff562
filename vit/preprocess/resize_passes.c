/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two passes, interleaved: the rows of the first pass are made when the second needs them and kept in a ring as
 * high as the second's window. The result is cut into tiles, so that weights and ring stay within a budget however odd
 * the sizes are; a usual picture is one tile.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "resize.h"
#include "resize_kernels.h"

/* Bytes of column tables and ring, and of row tables, of a tile. */
#define TILE_BUDGET ((size_t)16 << 20)

typedef struct tile {
    const vit__resize_job *job;
    const vit__resize_kernels *kernels;
    const vit__axis *axis_x, *axis_y; /* NULL: that size does not change, no pass */
    uint32_t left, top, columns, rows;
    vit__taps x, y;
    uint32_t source_left, source_columns; /* what the tile reads of a source row */
    uint8_t *line; /* a source row with slack behind it, or the first of two vertical-first passes */
    uint8_t *ring; /* NULL: rows of the source are used where they lie */
    size_t slots, slot_size;
    uint8_t *result;     /* one row of the result */
    const void **window; /* the rows that an output row is made of */
} tile;

void vit__resize_floats(const uint8_t *pixels, size_t n, float factor, float *out)
{
    for (size_t i = 0; i < 3 * n; i++)
        out[i] = (float)pixels[i] * factor;
}

bool vit__resize_vertical_first(vit_resampler resampler, const uint32_t from[2], const uint32_t to[2])
{
    int64_t columns_less = (int64_t)from[0] - to[0], rows_less = (int64_t)from[1] - to[1];
    return resampler == VIT_RESAMPLER_PILLOW13 && rows_less > 0 && rows_less > 2 * columns_less;
}

static bool vertical_first(const vit__resize_job *job)
{
    const uint32_t from[2] = {job->image->width, job->image->height}, to[2] = {job->width, job->height};
    return !job->floats && vit__resize_vertical_first(job->resampler, from, to);
}

/* A source row from the tile's first column on, in the kernels' sample type, readable past its end. */
static const void *source_line(tile *t, uint32_t row)
{
    const vit_image *image = t->job->image;
    const uint8_t *pixels = vit__pixel(image, t->source_left, row), *end = vit__pixel(image, 0, image->height);
    size_t size = (size_t)3 * t->source_columns;
    if (t->job->floats) {
        vit__resize_floats(pixels, t->source_columns, t->job->factor, (float *)(void *)t->line);
        return t->line;
    }
    if ((size_t)(end - pixels) >= size + VIT__ROW_SLACK)
        return pixels;
    memcpy(t->line, pixels, size);
    return t->line;
}

/* Where a row of the first pass is. */
static const void *first_pass_row(const tile *t, uint32_t row)
{
    return t->ring ? t->ring + row % t->slots * t->slot_size
                   : (const void *)vit__pixel(t->job->image, t->source_left, row);
}

static void make_first_pass_row(tile *t, uint32_t row)
{
    if (!t->ring)
        return;
    void *slot = t->ring + row % t->slots * t->slot_size;
    if (t->axis_x)
        t->kernels->horizontal(&t->x, source_line(t, row), slot);
    else
        memcpy(slot, source_line(t, row), t->source_columns * 3 * t->kernels->sample_size);
}

static void take_row(const tile *t, uint32_t i, const void *samples)
{
    vit__span span = {t->left, t->top + i, t->columns, samples};
    t->job->take(t->job->context, &span);
}

static void run_horizontal_first(tile *t)
{
    uint32_t next = 0; /* first row of the first pass that was not made */
    for (uint32_t i = 0; i < t->rows; i++) {
        uint32_t first = t->axis_y ? t->y.origin + t->y.first[i] : t->top + i;
        uint32_t count = t->axis_y ? t->y.count[i] : 1;
        if (next < first)
            next = first;
        for (; next < first + count; next++)
            make_first_pass_row(t, next);
        if (!t->axis_y) {
            take_row(t, i, first_pass_row(t, first));
            continue;
        }
        for (uint32_t k = 0; k < count; k++)
            t->window[k] = first_pass_row(t, first + k);
        t->window[count] = t->window[0];
        t->kernels->vertical(&t->y, i, t->window, (size_t)3 * t->columns, t->result);
        take_row(t, i, t->result);
    }
}

static void run_vertical_first(tile *t)
{
    for (uint32_t i = 0; i < t->rows; i++) {
        uint32_t first = t->y.origin + t->y.first[i], count = t->y.count[i];
        for (uint32_t k = 0; k < count; k++)
            t->window[k] = vit__pixel(t->job->image, t->source_left, first + k);
        t->window[count] = t->window[0];
        t->kernels->vertical(&t->y, i, t->window, (size_t)3 * t->source_columns, t->line);
        if (t->axis_x)
            t->kernels->horizontal(&t->x, t->line, t->result);
        take_row(t, i, t->axis_x ? t->result : t->line);
    }
}

/* Weights and buffers of a tile whose place is set. free_tile afterwards in any case. */
static vit_status open_tile(tile *t, vit_error *err)
{
    vit_status status = VIT_OK;
    if (t->axis_x)
        status = vit__taps_init(&t->x, t->axis_x, t->left, t->columns, err);
    if (status == VIT_OK && t->axis_y)
        status = vit__taps_init(&t->y, t->axis_y, t->top, t->rows, err);
    if (status != VIT_OK)
        return status;
    t->source_left = t->axis_x ? t->x.origin : t->left;
    t->source_columns = t->axis_x ? t->x.inputs : t->columns;
    size_t pixel = 3 * t->kernels->sample_size, height = t->axis_y ? t->axis_y->window : 1;
    t->slots = height;
    t->slot_size = t->columns * pixel + VIT__ROW_SLACK;
    bool in_place = !t->job->floats && (!t->axis_x || vertical_first(t->job));
    t->ring = in_place ? NULL : vit__alloc_aligned(t->slots, t->slot_size);
    t->line = vit__alloc_zero(t->source_columns * pixel + VIT__ROW_SLACK, 1);
    t->result = vit__alloc_aligned(t->slot_size, 1);
    t->window = vit__alloc(height + 1, sizeof *t->window);
    if ((!t->ring && !in_place) || !t->line || !t->result || !t->window)
        return vit__fail_memory(err, NULL);
    return VIT_OK;
}

static void free_tile(tile *t)
{
    vit__taps_free(&t->x);
    vit__taps_free(&t->y);
    free(t->line);
    free(t->ring);
    free(t->result);
    free(t->window);
}

static vit_status run_tile(tile *t, vit_error *err)
{
    vit_status status = open_tile(t, err);
    if (status == VIT_OK) {
        if (vertical_first(t->job))
            run_vertical_first(t);
        else
            run_horizontal_first(t);
    }
    free_tile(t);
    return status;
}

static uint32_t outputs_within(size_t bytes_each, uint32_t n)
{
    size_t fitting = TILE_BUDGET / bytes_each;
    return fitting == 0 ? 1 : fitting < n ? (uint32_t)fitting : n;
}

static vit_status run_tiles(const tile *whole, vit_error *err)
{
    const vit__resize_job *job = whole->job;
    size_t height = whole->axis_y ? whole->axis_y->window : 1;
    size_t column_bytes = height * 3 * whole->kernels->sample_size;
    if (whole->axis_x)
        column_bytes += vit__axis_taps_bytes(whole->axis_x);
    uint32_t columns = outputs_within(column_bytes, job->columns);
    uint32_t rows = whole->axis_y ? outputs_within(vit__axis_taps_bytes(whole->axis_y), job->rows) : job->rows;
    for (uint64_t y = 0; y < job->rows; y += rows) {
        for (uint64_t x = 0; x < job->columns; x += columns) {
            tile t = *whole;
            t.left = job->left + (uint32_t)x;
            t.top = job->top + (uint32_t)y;
            t.columns = job->columns - x < columns ? job->columns - (uint32_t)x : columns;
            t.rows = job->rows - y < rows ? job->rows - (uint32_t)y : rows;
            vit_status status = run_tile(&t, err);
            if (status != VIT_OK)
                return status;
        }
    }
    return VIT_OK;
}

vit_status vit__resize_passes(const vit__resize_job *job, vit_error *err)
{
    vit__weight_kind kind = job->floats                                   ? VIT__WEIGHTS_TORCH_FLOAT
                            : job->resampler == VIT_RESAMPLER_TORCHVISION ? VIT__WEIGHTS_TORCH_INT16
                                                                          : VIT__WEIGHTS_PILLOW;
    vit__axis x, y;
    tile whole = {.job = job, .kernels = job->floats ? &vit__resize_kernels_float : vit__resize_kernels_here()};
    if (job->width != job->image->width) {
        vit__axis_init(&x, job->image->width, job->width, job->filter, kind);
        whole.axis_x = &x;
    }
    if (job->height != job->image->height) {
        vit__axis_init(&y, job->image->height, job->height, job->filter, kind);
        whole.axis_y = &y;
    }
    return run_tiles(&whole, err);
}
