/* SPDX-License-Identifier: BSD-2-Clause */
/* What every config has to fulfil; and the configs of timm and open_clip. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "picture_keys.h"
#include "error.h"
#include "memory.h"
#include "preprocess.h"

const vit__colours vit__colours_imagenet = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
const vit__colours vit__colours_clip = {{0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}};

static void set_colours(vit_preprocessor *p, const vit__colours *colours)
{
    memcpy(p->mean, colours->mean, sizeof p->mean);
    memcpy(p->std, colours->std, sizeof p->std);
}

static vit_status check_target(const char *what, uint32_t height, uint32_t width, const char *name, vit_error *err)
{
    if (height > 0 && width > 0 && (uint64_t)height * width <= VIT_MAX_PIXELS)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_CORRUPT, name, "the \"%s\" %ux%u is not within 1 and %u pixels", what, height, width,
                     VIT_MAX_PIXELS);
}

static bool is_normal(double x)
{
    return fabs(x) >= (double)FLT_MIN && fabs(x) <= (double)FLT_MAX; /* false for NaN */
}

/* All values that the 8-bit samples become are finite, with either arithmetic. */
static bool has_finite_values(const vit_preprocessor *p)
{
    static const vit_resampler arithmetic[] = {VIT_RESAMPLER_PILLOW, VIT_RESAMPLER_TORCHVISION};
    for (size_t i = 0; i < 2; i++) {
        float table[3][256];
        vit__normalise_table(p, arithmetic[i], table);
        for (size_t v = 0; v < 3 * 256; v++)
            if (!isfinite(table[v / 256][v % 256]))
                return false;
    }
    return true;
}

static vit_status check_numbers(const vit_preprocessor *p, const char *name, vit_error *err)
{
    bool transformers = p->library == VIT__LIBRARY_TRANSFORMERS;
    const char *mean = transformers ? "image_mean" : "mean", *std = transformers ? "image_std" : "std";
    if (p->rescale && !is_normal(p->factor))
        return vit__fail(err, VIT_ERR_CORRUPT, name, "\"rescale_factor\" is %g", p->factor);
    for (size_t c = 0; c < 3 && p->normalise; c++) {
        if (!(fabs(p->mean[c]) <= (double)FLT_MAX))
            return vit__fail(err, VIT_ERR_CORRUPT, name, "\"%s\" holds %g", mean, p->mean[c]);
        if (!is_normal(p->std[c]))
            return vit__fail(err, VIT_ERR_CORRUPT, name, "\"%s\" holds %g: pixels cannot be divided by that", std,
                             p->std[c]);
    }
    if (!has_finite_values(p))
        return vit__fail(err, VIT_ERR_CORRUPT, name, "\"%s\" and \"%s\" turn some pixels into infinities", mean, std);
    return VIT_OK;
}

/* Patches and their size stand together, and all of them make a picture that is not too large. */
static vit_status check_patches(const vit_preprocessor *p, const char *name, vit_error *err)
{
    size_t area, all;
    if (p->resize != VIT__RESIZE_PATCHES && !p->patch_size && !p->most_patches)
        return VIT_OK;
    if (p->patch_size && p->most_patches && vit__multiply(p->patch_size, p->patch_size, &area) &&
        vit__multiply(area, p->most_patches, &all) && all <= VIT_MAX_PIXELS)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_CORRUPT, name,
                     "\"max_num_patches\" %u of \"patch_size\" %u are not within 1 and %u pixels together",
                     p->most_patches, p->patch_size, VIT_MAX_PIXELS);
}

vit_status vit__preprocess_check(const vit_preprocessor *p, const char *name, vit_error *err)
{
    static const char *const keys[][2] = {{"size", "crop_size"}, {"input_size", "input_size"}, {"size", "image_size"}};
    vit_status status = check_patches(p, name, err);
    if (status == VIT_OK && p->resize != VIT__RESIZE_NONE && p->resize != VIT__RESIZE_PATCHES)
        status = check_target(keys[p->library][0], p->resize_height, p->resize_width, name, err);
    if (status == VIT_OK && p->crop)
        status = check_target(keys[p->library][1], p->crop_height, p->crop_width, name, err);
    return status == VIT_OK ? check_numbers(p, name, err) : status;
}

/* Python's round(255 * mean), halves to even. */
static uint8_t fill_level(double mean)
{
    double level = rint(255.0 * mean);
    return (uint8_t)(level > 0 ? level < 255 ? level : 255 : 0);
}

static void read_timm_size(vit__reader *r, vit_preprocessor *p)
{
    p->crop_height = p->crop_width = 224;
    const vit__json *size = vit__json_get(r->object, "input_size");
    int64_t channels;
    if (vit__json_length(size) == 3 && vit__json_integer(vit__json_at(size, 0), &channels) && channels != 3)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"input_size\" asks for %lld channels: only RGB is supported",
                         (long long)channels);
    vit__read_edges(r, "input_size", &p->crop_height, &p->crop_width);
    p->crop_pct = vit__read_number(r, "crop_pct", 0.875);
    if (p->crop_pct == 0)
        p->crop_pct = 0.875; /* as timm takes it */
    if (!(p->crop_pct > 0 && p->crop_pct <= 1e6))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"crop_pct\" is %g", p->crop_pct);
    if (vit__reader_failed(r))
        return;
    p->resize_height = vit__preprocess_grown(p->crop_height, p->crop_pct);
    p->resize_width = vit__preprocess_grown(p->crop_width, p->crop_pct);
}

vit_status vit__preprocess_from_timm(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{
    static const char *const modes[] = {"center", "squash", "border", NULL};
    static const vit__resize_mode resize_modes[] = {VIT__RESIZE_SHORTEST, VIT__RESIZE_SQUASH, VIT__RESIZE_LONGEST};
    const vit__json *inner = vit__json_get(config, "pretrained_cfg");
    vit__reader r = vit__reader_start(vit__json_is_object(inner) ? inner : config, name, err);
    vit_preprocessor p = {
        .library = VIT__LIBRARY_TIMM, .crop = true, .rescale = true, .factor = 1.0 / 255.0, .normalise = true};
    set_colours(&p, &vit__colours_imagenet);
    int filter = VIT_FILTER_BICUBIC, mode = 0;
    *out = (vit_preprocessor){0};
    read_timm_size(&r, &p);
    vit__read_name(&r, "interpolation", vit__filter_names, &filter);
    vit__read_name(&r, "crop_mode", modes, &mode);
    vit__read_colour(&r, "mean", p.mean);
    vit__read_colour(&r, "std", p.std);
    if (r.status != VIT_OK)
        return r.status;
    p.filter = (vit_filter)filter;
    p.resize = resize_modes[mode];
    for (size_t c = 0; c < 3 && p.resize == VIT__RESIZE_LONGEST; c++)
        p.fill[c] = fill_level(p.mean[c]);
    vit_status status = vit__preprocess_check(&p, name, err);
    if (status == VIT_OK)
        *out = p;
    return status;
}

/* One number or a list of height and width. */
static void read_square(vit__reader *r, const char *key, uint32_t *height, uint32_t *width)
{
    if (vit__json_is_array(vit__json_get(r->object, key))) {
        vit__read_edges(r, key, height, width);
        return;
    }
    if (!vit__read_has(r, key))
        return;
    vit__read_edge(r, key, height);
    *width = *height;
}

static void read_open_clip_fill(vit__reader *r, vit_preprocessor *p)
{
    double fill[3] = {0, 0, 0};
    vit__read_colour(r, "fill_color", fill);
    for (size_t c = 0; c < 3 && !vit__reader_failed(r); c++) {
        if (!(fill[c] >= 0 && fill[c] <= 255))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"fill_color\" is not within 0 to 255");
        else if (p->resize == VIT__RESIZE_LONGEST)
            p->fill[c] = (uint8_t)fill[c];
    }
}

/* The size is the vision tower's; only without one does "size" count. */
static void read_open_clip_size(const vit__json *config, vit__reader *r, vit_preprocessor *p)
{
    p->crop_height = p->crop_width = 224;
    read_square(r, "size", &p->crop_height, &p->crop_width);
    vit__reader tower = vit__reader_inside(r, vit__json_get(vit__json_get(config, "model_cfg"), "vision_cfg"));
    read_square(&tower, "image_size", &p->crop_height, &p->crop_width);
    p->resize_height = p->crop_height;
    p->resize_width = p->crop_width;
}

vit_status vit__preprocess_from_open_clip(const vit__json *config, const char *name, vit_preprocessor *out,
                                          vit_error *err)
{
    static const char *const modes[] = {"shortest", "squash", "longest", NULL};
    static const vit__resize_mode resize_modes[] = {VIT__RESIZE_SHORTEST, VIT__RESIZE_SQUASH, VIT__RESIZE_LONGEST};
    static const char *const filters[] = {"bicubic", "bilinear", "random", NULL};
    static const vit_filter filter_values[] = {VIT_FILTER_BICUBIC, VIT_FILTER_BILINEAR, VIT_FILTER_BICUBIC};
    const vit__json *inner = vit__json_get(config, "preprocess_cfg");
    vit__reader r = vit__reader_start(vit__json_is_object(inner) ? inner : config, name, err);
    vit_preprocessor p = {.library = VIT__LIBRARY_OPEN_CLIP, .rescale = true, .factor = 1.0 / 255.0, .normalise = true};
    set_colours(&p, &vit__colours_clip);
    int filter = 0, mode = 0;
    *out = (vit_preprocessor){0};
    read_open_clip_size(config, &r, &p);
    vit__read_name(&r, "interpolation", filters, &filter);
    vit__read_name(&r, "resize_mode", modes, &mode);
    vit__read_colour(&r, "mean", p.mean);
    vit__read_colour(&r, "std", p.std);
    p.filter = filter_values[filter];
    p.resize = resize_modes[mode];
    p.crop = p.resize != VIT__RESIZE_SQUASH;
    read_open_clip_fill(&r, &p);
    if (r.status != VIT_OK)
        return r.status;
    vit_status status = vit__preprocess_check(&p, name, err);
    if (status == VIT_OK)
        *out = p;
    return status;
}
