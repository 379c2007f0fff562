/* SPDX-License-Identifier: BSD-2-Clause */
/* Carries the rules out: the resize hands over its rows, and each goes straight to its place in the result. */
#include "preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "image.h"
#include "memory.h"
#include "resize.h"

/* The part of the resized picture that the result keeps: pixels [first, first + n) lie at `at` in the result. */
typedef struct kept {
    uint32_t first, n, at;
} kept;

static kept keep(uint32_t resized, uint32_t result, int64_t offset)
{
    kept k = {.first = offset < 0 ? (uint32_t)-offset : 0, .at = offset > 0 ? (uint32_t)offset : 0};
    uint32_t left = resized - k.first, room = result - k.at;
    k.n = left < room ? left : room;
    return k;
}

static vit_status run(const vit_preprocessor *p, const vit_image *image, const vit__picture_plan *plan,
                      vit__resize_job *job, vit_error *err)
{
    kept columns = keep(plan->resized_width, plan->width, plan->left);
    kept rows = keep(plan->resized_height, plan->height, plan->top);
    job->image = image;
    job->width = plan->resized_width;
    job->height = plan->resized_height;
    job->left = columns.first;
    job->top = rows.first;
    job->columns = columns.n;
    job->rows = rows.n;
    job->filter = plan->filter;
    job->resampler = plan->resampler;
    job->floats = p->resize_floats;
    job->factor = p->rescale ? (float)p->factor : 1.0f;
    return vit__resize(job, err);
}

typedef struct pixels_sink {
    const vit__picture_plan *plan;
    float *plane[3];
    float table[3][256];
    float mean[3], std[3];
} pixels_sink;

/* Index in a plane of a pixel of the resized picture. */
static size_t place(const vit__picture_plan *plan, const vit__span *span)
{
    int64_t x = span->x + plan->left, y = span->y + plan->top;
    return (size_t)y * plan->width + (size_t)x;
}

static void take_bytes(void *context, const vit__span *span)
{
    pixels_sink *sink = context;
    size_t at = place(sink->plan, span);
    float *red = sink->plane[0] + at, *green = sink->plane[1] + at, *blue = sink->plane[2] + at;
    const uint8_t *sample = span->samples;
    for (size_t i = 0; i < span->n; i++, sample += 3) {
        red[i] = sink->table[0][sample[0]];
        green[i] = sink->table[1][sample[1]];
        blue[i] = sink->table[2][sample[2]];
    }
}

static void take_floats(void *context, const vit__span *span)
{
    pixels_sink *sink = context;
    size_t at = place(sink->plan, span);
    for (size_t c = 0; c < 3; c++) {
        const float *sample = (const float *)span->samples + c;
        for (size_t i = 0; i < span->n; i++)
            sink->plane[c][at + i] = (sample[3 * i] - sink->mean[c]) / sink->std[c];
    }
}

/* Whether the resized picture leaves some of the result bare. */
static bool is_padded(const vit__picture_plan *plan)
{
    return plan->resized_width < plan->width || plan->resized_height < plan->height;
}

vit_status vit_preprocess(const vit_preprocessor *p, const vit_image *image, const vit_preprocess_options *options,
                          float *pixels, vit_error *err)
{
    if (!p || !pixels)
        return vit__fail_null(err, __func__, p ? "pixels" : "preprocessor");
    vit__picture_plan plan;
    vit_status status = vit__check_image(image, __func__, "image", err);
    if (status == VIT_OK)
        status = vit__preprocess_plan(p, image->width, image->height, options, &plan, err);
    if (status != VIT_OK)
        return status;
    size_t area = (size_t)plan.width * plan.height;
    pixels_sink sink = {.plan = &plan, .plane = {pixels, pixels + area, pixels + 2 * area}};
    vit__normalise_table(p, plan.resampler, sink.table);
    vit__normalise_floats(p, sink.mean, sink.std);
    for (size_t c = 0; c < 3 && is_padded(&plan); c++)
        for (size_t i = 0; i < area; i++)
            sink.plane[c][i] = sink.table[c][p->fill[c]];
    vit__resize_job job = {.take = p->resize_floats ? take_floats : take_bytes, .context = &sink};
    return run(p, image, &plan, &job, err);
}

typedef struct image_sink {
    const vit__picture_plan *plan;
    uint8_t *pixels;
    float factor;
} image_sink;

static void take_image_bytes(void *context, const vit__span *span)
{
    image_sink *sink = context;
    memcpy(sink->pixels + 3 * place(sink->plan, span), span->samples, (size_t)3 * span->n);
}

/* Floats back to the nearest of the 256 levels, for the eye. */
static void take_image_floats(void *context, const vit__span *span)
{
    image_sink *sink = context;
    uint8_t *out = sink->pixels + 3 * place(sink->plan, span);
    const float *sample = span->samples;
    for (size_t i = 0; i < (size_t)3 * span->n; i++) {
        float level = rintf(sample[i] / sink->factor);
        out[i] = (uint8_t)(level > 255.0f ? 255.0f : level > 0.0f ? level : 0.0f);
    }
}

static void paint(const vit_image *image, const uint8_t colour[3])
{
    size_t samples = (size_t)3 * image->width * image->height;
    for (size_t i = 0; i < samples; i++)
        image->pixels[i] = colour[i % 3];
}

vit_status vit_preprocess_resized(const vit_preprocessor *p, const vit_image *image,
                                  const vit_preprocess_options *options, vit_image *resized, vit_error *err)
{
    if (resized)
        *resized = (vit_image){0};
    if (!p || !resized)
        return vit__fail_null(err, __func__, p ? "resized" : "preprocessor");
    vit__picture_plan plan;
    vit_status status = vit__check_image(image, __func__, "image", err);
    if (status == VIT_OK)
        status = vit__preprocess_plan(p, image->width, image->height, options, &plan, err);
    if (status == VIT_OK)
        status = vit_image_alloc(plan.width, plan.height, resized, err);
    if (status != VIT_OK)
        return status;
    if (is_padded(&plan))
        paint(resized, p->fill);
    image_sink sink = {&plan, resized->pixels, p->rescale ? (float)p->factor : 1.0f};
    vit__resize_job job = {.take = p->resize_floats ? take_image_floats : take_image_bytes, .context = &sink};
    status = run(p, image, &plan, &job, err);
    if (status != VIT_OK)
        vit_image_free(resized);
    return status;
}

void vit_preprocessor_free(vit_preprocessor *p)
{
    free(p);
}
