/* SPDX-License-Identifier: BSD-2-Clause */
#include "load.h"

#include <string.h>
#include <time.h>

#include "error.h"

/* A picture decoded at a lower resolution keeps at least this many times what the resize will leave of each edge. (Most
 * of the time is gained by the first half; with 2 the worst embedding of docs/speed.md is eight times as far off.) */
#define FAST_DECODE_MARGIN 3u

static uint32_t with_margin(uint32_t edge)
{
    return edge <= UINT32_MAX / FAST_DECODE_MARGIN ? edge * FAST_DECODE_MARGIN : UINT32_MAX;
}

/* Processor time of this thread alone: time in which it waited for a processor does not count. */
static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static vit_preprocess_options preprocess_options(const vit_pipeline *pipeline)
{
    const vit_pipeline_options *s = &pipeline->settings;
    return (vit_preprocess_options){.resampler = s->resampler,
                                    .image_height = s->model.image_height,
                                    .image_width = s->model.image_width,
                                    .max_pixels = s->load.max_pixels};
}

static vit_load_options load_options(const vit_pipeline *pipeline)
{
    vit_load_options load = pipeline->settings.load;
    vit_preprocess_options aim = preprocess_options(pipeline);
    uint32_t width, height;
    load.least_width = load.least_height = 0;
    if (pipeline->settings.fast_decode &&
        vit_preprocess_target(vit_model_preprocessor(pipeline->model), &aim, &width, &height, NULL) == VIT_OK) {
        load.least_width = with_margin(width);
        load.least_height = with_margin(height);
    }
    return load;
}

/* ------------------------------------------------------------------ pictures ---- */

/* Whether the model takes pictures of this size: its own, or any with no more patches than it takes. */
static bool takes_size(const vit_model *model, uint32_t width, uint32_t height)
{
    const vit_grid grid = vit_model_grid(model);
    size_t most = vit_model_patches(model);
    if (most == 0)
        return width == vit_model_image_width(model) && height == vit_model_image_height(model);
    size_t rows = height / grid.patch_height, columns = width / grid.patch_width;
    return rows > 0 && columns > 0 && rows <= most / columns && height % grid.patch_height == 0 &&
           width % grid.patch_width == 0;
}

/* A picture whose preprocessing gives another size than the model runs at. */
static vit_status check_size(const vit_pipeline *pipeline, const vit_item *item, uint32_t width, uint32_t height,
                             vit_error *err)
{
    const vit_model *model = pipeline->model;
    const vit_grid grid = vit_model_grid(model);
    if (takes_size(model, width, height))
        return VIT_OK;
    if (vit_model_patches(model))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, item->name,
                         "the pixels are %ux%u: the model takes pictures of 1 to %zu whole patches of %zux%zu", height,
                         width, vit_model_patches(model), grid.patch_height, grid.patch_width);
    return vit__fail(
        err, VIT_ERR_UNSUPPORTED_FORMAT, item->name,
        "the preprocessing gives %ux%u, and the model runs at %ux%u: one size for all inputs, which --image-size names",
        height, width, vit_model_image_height(model), vit_model_image_width(model));
}

static void set_pixels(vit_loaded *loaded, uint32_t width, uint32_t height)
{
    loaded->pixels_width = width;
    loaded->pixels_height = height;
    loaded->length = (size_t)3 * height * width;
}

static vit_status preprocess(const vit_pipeline *pipeline, const vit_item *item, const vit_image *image, float *pixels,
                             vit_loaded *loaded, vit_error *err)
{
    const vit_preprocessor *rules = vit_model_preprocessor(pipeline->model);
    const vit_preprocess_options options = preprocess_options(pipeline);
    uint32_t width = 0, height = 0;
    vit_status status = vit_preprocess_shape(rules, image->width, image->height, &options, &width, &height, err);
    if (status == VIT_OK)
        status = check_size(pipeline, item, width, height, err);
    set_pixels(loaded, width, height);
    return status == VIT_OK ? vit_preprocess(rules, image, &options, pixels, err) : status;
}

/* A file on the disk, or in memory. */
static vit_status load_picture(const vit_pipeline *pipeline, const vit_item *item, float *pixels, vit_loaded *loaded,
                               vit_error *err)
{
    vit_picture picture;
    vit_load_options load = load_options(pipeline);
    vit_status status = item->kind == VIT_ITEM_BYTES
                            ? vit_picture_decode(item->data, item->size, item->name, &load, &picture, err)
                            : vit_picture_load(item->name, &load, &picture, err);
    loaded->width = picture.width;
    loaded->height = picture.height;
    loaded->stored_width = picture.stored_width;
    loaded->stored_height = picture.stored_height;
    double start = thread_seconds();
    if (status == VIT_OK)
        status = preprocess(pipeline, item, &picture.image, pixels, loaded, err);
    loaded->preprocess_seconds = thread_seconds() - start;
    vit_image_free(&picture.image);
    return status;
}

static vit_status load_image(const vit_pipeline *pipeline, const vit_item *item, float *pixels, vit_loaded *loaded,
                             vit_error *err)
{
    const vit_image *image = item->data;
    if (!image || !image->pixels)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "an image without pixels");
    loaded->width = image->width;
    loaded->height = image->height;
    return preprocess(pipeline, item, image, pixels, loaded, err);
}

/* ------------------------------------------------------------------ ready rows ---- */

static vit_status copy_row(const vit_item *item, size_t least, size_t most, size_t value_size, void *row,
                           vit_loaded *loaded, vit_error *err)
{
    if (!item->data || item->size < least || item->size > most)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "%zu values, where the model takes %zu to %zu",
                         item->size, least, most);
    memcpy(row, item->data, item->size * value_size);
    loaded->length = item->size;
    return VIT_OK;
}

/* The size that an item says its pixels have. */
static vit_status measure_pixels(const vit_pipeline *pipeline, const vit_item *item, vit_loaded *loaded, vit_error *err)
{
    const vit_model *model = pipeline->model;
    bool given = item->width || item->height;
    set_pixels(loaded, given ? item->width : vit_model_image_width(model),
               given ? item->height : vit_model_image_height(model));
    if (takes_size(model, loaded->pixels_width, loaded->pixels_height))
        return VIT_OK;
    if (vit_model_patches(model))
        return check_size(pipeline, item, loaded->pixels_width, loaded->pixels_height, err);
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, item->name,
                     "the pixels are %ux%u, and the model runs at %ux%u: one size for all inputs, which --image-size "
                     "names",
                     loaded->pixels_height, loaded->pixels_width, vit_model_image_height(model),
                     vit_model_image_width(model));
}

static vit_status load_pixels(const vit_pipeline *pipeline, const vit_item *item, float *pixels, vit_loaded *loaded,
                              vit_error *err)
{
    vit_status status = measure_pixels(pipeline, item, loaded, err);
    return status == VIT_OK ? copy_row(item, loaded->length, loaded->length, sizeof *pixels, pixels, loaded, err)
                            : status;
}

static vit_status load_text(const vit_pipeline *pipeline, const vit_item *item, int32_t *ids, vit_loaded *loaded,
                            vit_error *err)
{
    if (!pipeline->tokenizer)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "a text, before vit_pipeline_start_words");
    loaded->length = pipeline->text_length;
    double start = thread_seconds();
    vit_status status = vit_tokenizer_encode_padded(pipeline->tokenizer, item->data, item->size, ids, &loaded->tokens,
                                                    err);
    loaded->preprocess_seconds = thread_seconds() - start;
    return status;
}

/* The caller's own reading. */
static vit_status call_read(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded,
                            vit_error *err)
{
    bool text = vit__pipeline_takes_text(pipeline);
    if (!item->read)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "read is NULL");
    vit_status status = text ? VIT_OK : measure_pixels(pipeline, item, loaded, err);
    if (status != VIT_OK)
        return status;
    size_t most = text ? vit_model_context(pipeline->model) : loaded->length;
    loaded->length = item->read(item, row, err);
    if (loaded->length > 0 && loaded->length <= most && (text || loaded->length == most))
        return VIT_OK;
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "it could not be read");
}

/* ------------------------------------------------------------------ any item ---- */

static vit_status load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded,
                       vit_error *err)
{
    size_t context = vit_model_context(pipeline->model);
    bool text = vit__pipeline_takes_text(pipeline),
         words = item->kind == VIT_ITEM_TEXT || item->kind == VIT_ITEM_TOKENS;
    if (item->kind != VIT_ITEM_READ && words != text)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name,
                         text ? "a picture, and the pipeline is of the text tower"
                              : "a text, and the pipeline is of the image tower");
    switch (item->kind) {
    case VIT_ITEM_PATH:
    case VIT_ITEM_BYTES:
        return load_picture(pipeline, item, row, loaded, err);
    case VIT_ITEM_IMAGE:
        return load_image(pipeline, item, row, loaded, err);
    case VIT_ITEM_PIXELS:
        return load_pixels(pipeline, item, row, loaded, err);
    case VIT_ITEM_TEXT:
        return load_text(pipeline, item, row, loaded, err);
    case VIT_ITEM_TOKENS:
        return copy_row(item, 1, context, sizeof(int32_t), row, loaded, err);
    case VIT_ITEM_READ:
        return call_read(pipeline, item, row, loaded, err);
    }
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, item->name, "there are no items of the kind %d", (int)item->kind);
}

vit_status vit_pipeline_load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded,
                             vit_error *err)
{
    if (pipeline && item && row && loaded)
        return vit__load(pipeline, item, row, loaded, err);
    return vit__fail_null(err, __func__, !pipeline ? "pipeline" : !item ? "item" : row ? "loaded" : "row");
}

vit_status vit__load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded, vit_error *err)
{
    *loaded = (vit_loaded){0};
    if (item->error && item->error->status != VIT_OK) {
        if (err)
            *err = *item->error;
        return item->error->status;
    }
    double start = thread_seconds();
    vit_status status = load(pipeline, item, row, loaded, err);
    loaded->seconds = thread_seconds() - start;
    return status;
}
