/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes: how large the resized picture gets, what a crop keeps of it, and where padding goes. */
#include <inttypes.h>
#include <math.h>

#include "error.h"
#include "memory.h"
#include "preprocess.h"
#include "resize.h"

typedef struct size {
    uint64_t width, height;
} size;

uint32_t vit__preprocess_grown(uint32_t edge, double crop_pct)
{
    double value = floor((double)edge / crop_pct);
    return value >= 0 && value <= VIT_MAX_PIXELS ? (uint32_t)value : 0;
}

/* edge * to / from, to the nearest whole number, at least 1. */
static uint32_t in_proportion(uint32_t edge, uint32_t to, uint32_t from)
{
    uint64_t value = ((uint64_t)edge * to + from / 2) / from;
    return value < 1 ? 1 : value > VIT_MAX_PIXELS ? VIT_MAX_PIXELS : (uint32_t)value;
}

/* ConvNext: crop_pct counts below 384 only. */
static void aim_convnext(vit_preprocessor *p, uint32_t width, uint32_t height)
{
    bool squash = (width < height ? width : height) >= p->squash_from;
    uint32_t edge = width > height ? width : height;
    p->resize = squash ? VIT__RESIZE_SQUASH : VIT__RESIZE_SHORTEST;
    p->resize_width = squash ? width : vit__preprocess_grown(edge, p->crop_pct);
    p->resize_height = squash ? height : vit__preprocess_grown(edge, p->crop_pct);
    p->crop = !squash;
    p->crop_width = width;
    p->crop_height = height;
}

static bool can_aim(const vit_preprocessor *p)
{
    return p->resize != VIT__RESIZE_NONE || p->crop;
}

void vit__preprocess_aim(vit_preprocessor *p, uint32_t width, uint32_t height)
{
    if (!can_aim(p))
        return;
    uint32_t crop_width = p->crop_width, crop_height = p->crop_height;
    if (p->resize == VIT__RESIZE_WITHIN)
        p->resize = VIT__RESIZE_FIT; /* there is one size now */
    if (p->squash_from) {
        aim_convnext(p, width, height);
        return;
    }
    if (p->resize == VIT__RESIZE_PATCHES)
        p->resize = VIT__RESIZE_SQUASH;
    p->patch_size = p->most_patches = 0;
    p->crop_width = width;
    p->crop_height = height;
    if (!p->crop) {
        p->resize_width = width;
        p->resize_height = height;
    } else if (p->crop_pct > 0) {
        p->resize_width = vit__preprocess_grown(width, p->crop_pct);
        p->resize_height = vit__preprocess_grown(height, p->crop_pct);
    } else {
        p->resize_width = in_proportion(p->resize_width, width, crop_width);
        p->resize_height = in_proportion(p->resize_height, height, crop_height);
    }
    if (p->library == VIT__LIBRARY_TRANSFORMERS && p->resize == VIT__RESIZE_SHORTEST) {
        /* One number there: large enough for both edges of the crop. */
        uint32_t edge = p->resize_width > p->resize_height ? p->resize_width : p->resize_height;
        p->resize_width = p->resize_height = edge;
    }
}

bool vit__preprocess_fixed_size(const vit_preprocessor *p, uint32_t *height, uint32_t *width)
{
    if (!p || (!p->crop && p->resize != VIT__RESIZE_SQUASH))
        return false;
    *height = p->crop ? p->crop_height : p->resize_height;
    *width = p->crop ? p->crop_width : p->resize_width;
    return true;
}

static size shortest(uint64_t width, uint64_t height, uint64_t edge)
{
    return width <= height ? (size){edge, edge * height / width} : (size){edge * width / height, edge};
}

/* Python's round(): halves to even, as rint does in the rounding mode that programs start with. */
static uint64_t rounded(double x)
{
    return x < 1e15 ? (uint64_t)rint(x) : (uint64_t)1 << 50;
}

/* timm's and open_clip's ResizeKeepRatio. */
static size keep_ratio(uint32_t width, uint32_t height, const vit_preprocessor *p, bool longest)
{
    double rows = (double)height / p->resize_height, columns = (double)width / p->resize_width;
    double ratio = (rows > columns) == longest ? rows : columns;
    return (size){rounded(width / ratio), rounded(height / ratio)};
}

/* transformers' get_size_with_aspect_ratio. */
static size within(uint64_t width, uint64_t height, uint64_t edge, uint64_t limit)
{
    double low = (double)(width < height ? width : height), high = (double)(width < height ? height : width);
    double raw = (double)edge;
    if (high / low * (double)edge > (double)limit) {
        raw = (double)limit * low / high;
        edge = rounded(raw);
    }
    if (height <= width ? height == edge : width == edge)
        return (size){width, height};
    return width < height ? (size){edge, (uint64_t)(raw * (double)height / (double)width)}
                          : (size){(uint64_t)(raw * (double)width / (double)height), edge};
}

/* transformers' get_image_size_for_max_height_width. */
static size fit(uint32_t width, uint32_t height, const vit_preprocessor *p)
{
    double rows = (double)p->resize_height / height, columns = (double)p->resize_width / width;
    double scale = rows < columns ? rows : columns;
    return (size){(uint64_t)(width * scale), (uint64_t)(height * scale)};
}

/* An edge of the scaled picture, filled up to whole patches. */
static uint64_t whole_patches(uint32_t edge, double scale, uint32_t patch)
{
    double patches = ceil((double)edge * scale / patch);
    return patches < 1 ? 1 : (uint64_t)patches;
}

/* transformers' get_image_size_for_max_num_patches: the greatest scale by bisection, of which the lower end counts. */
static size within_patches(uint32_t width, uint32_t height, const vit_preprocessor *p)
{
    const double eps = 1e-5;
    double low = eps / 10, high = 100;
    while (high - low >= eps) {
        double scale = (low + high) / 2;
        double patches = (double)whole_patches(height, scale, p->patch_size) *
                         (double)whole_patches(width, scale, p->patch_size);
        *(patches <= p->most_patches ? &low : &high) = scale;
    }
    return (size){whole_patches(width, low, p->patch_size) * p->patch_size,
                  whole_patches(height, low, p->patch_size) * p->patch_size};
}

/* For VIT__RESIZE_SHORTEST: only the height counts. */
static bool is_one_number(const vit_preprocessor *p)
{
    return p->library == VIT__LIBRARY_TRANSFORMERS || p->resize_width == p->resize_height;
}

static size resized(const vit_preprocessor *p, uint32_t width, uint32_t height)
{
    switch (p->resize) {
    case VIT__RESIZE_SQUASH:
        return (size){p->resize_width, p->resize_height};
    case VIT__RESIZE_SHORTEST:
        return is_one_number(p) ? shortest(width, height, p->resize_height) : keep_ratio(width, height, p, false);
    case VIT__RESIZE_LONGEST:
        return keep_ratio(width, height, p, true);
    case VIT__RESIZE_WITHIN:
        return within(width, height, p->resize_height, p->resize_width);
    case VIT__RESIZE_FIT:
        return fit(width, height, p);
    case VIT__RESIZE_PATCHES:
        return within_patches(width, height, p);
    default:
        return (size){width, height};
    }
}

/* Where a picture of `edge` pixels begins in a crop of `crop`. */
static int64_t placed(const vit_preprocessor *p, vit_resampler resampler, int64_t edge, int64_t crop)
{
    bool transformers = p->library == VIT__LIBRARY_TRANSFORMERS;
    if (edge < crop) { /* padding: where the odd row goes */
        bool before = transformers && !p->resize_floats && resampler != VIT_RESAMPLER_TORCHVISION;
        return (crop - edge + before) / 2;
    }
    int64_t spare = edge - crop;
    return -(transformers ? spare / 2 : (int64_t)rint((double)spare / 2.0));
}

static vit_status check_size(const size *picture, uint64_t limit, vit_error *err)
{
    size_t pixels;
    if (vit__multiply(picture->width, picture->height, &pixels) && pixels <= limit)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_TOO_LARGE, NULL,
                     "preprocessing needs a picture of %" PRIu64 "x%" PRIu64 " pixels; the limit is %" PRIu64,
                     picture->width, picture->height, limit);
}

/* Even one row of patches may be too long, of a picture that the least scale leaves longer than that. */
static vit_status check_patches(const vit_preprocessor *p, const size *target, vit_error *err)
{
    if (p->resize != VIT__RESIZE_PATCHES ||
        target->width / p->patch_size * (target->height / p->patch_size) <= p->most_patches)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_TOO_LARGE, NULL,
                     "the picture is too long and narrow: resized it would be %" PRIu64 "x%" PRIu64
                     ", more than %" PRIu32 " patches of %" PRIu32 "x%" PRIu32,
                     target->width, target->height, p->most_patches, p->patch_size, p->patch_size);
}

/* The pictures on the way: the resized one, and the one between the two passes of the resize. */
static vit_status check_pictures(const size *image, const size *target, vit_resampler resampler, uint64_t limit,
                                 vit_error *err)
{
    if (target->width == 0 || target->height == 0)
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL,
                         "the picture is too long and narrow: resized it would be %" PRIu64 "x%" PRIu64, target->width,
                         target->height);
    vit_status status = check_size(target, limit, err);
    if (status != VIT_OK || target->width == image->width || target->height == image->height)
        return status;
    const uint32_t from[2] = {(uint32_t)image->width, (uint32_t)image->height};
    const uint32_t to[2] = {(uint32_t)target->width, (uint32_t)target->height};
    bool vertical_first = vit__resize_vertical_first(resampler, from, to);
    size between = vertical_first ? (size){image->width, target->height} : (size){target->width, image->height};
    return check_size(&between, limit, err);
}

static vit_status check_options(const vit_preprocessor *p, const vit_preprocess_options *o, vit_error *err)
{
    if ((unsigned)o->resampler > VIT_RESAMPLER_TORCHVISION)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "there is no resampler %d", (int)o->resampler);
    if ((o->image_height == 0) != (o->image_width == 0))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "an image size needs both height and width");
    if (o->image_height && !can_aim(p))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL,
                         "the preprocessing neither resizes nor crops: it cannot aim at %" PRIu32 "x%" PRIu32,
                         o->image_width, o->image_height);
    if ((uint64_t)o->image_height * o->image_width > (o->max_pixels ? o->max_pixels : VIT_MAX_PIXELS))
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "an image size of %" PRIu32 "x%" PRIu32 " is past the limit",
                         o->image_width, o->image_height);
    return VIT__CHECK_RESERVED(err, "vit_preprocess_options", o);
}

/* *o: the options, or the defaults for NULL; *p: the preprocessor, aimed at the size that they ask for. */
static vit_status settle(const vit_preprocessor *preprocessor, const vit_preprocess_options *options,
                         vit_preprocess_options *o, vit_preprocessor *p, vit_error *err)
{
    *o = options ? *options : (vit_preprocess_options){0};
    *p = *preprocessor;
    vit_status status = check_options(preprocessor, o, err);
    if (status == VIT_OK && o->image_height)
        vit__preprocess_aim(p, o->image_width, o->image_height);
    return status;
}

vit_status vit__preprocess_plan(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                const vit_preprocess_options *options, vit__picture_plan *plan, vit_error *err)
{
    *plan = (vit__picture_plan){0};
    if (width == 0 || height == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "the picture's %s is 0", width ? "height" : "width");
    vit_preprocess_options o;
    vit_preprocessor p;
    vit_status status = settle(preprocessor, options, &o, &p, err);
    if (status != VIT_OK)
        return status;
    plan->resampler = o.resampler;
    plan->filter = p.filter;
    if (p.library == VIT__LIBRARY_OPEN_CLIP && p.resize == VIT__RESIZE_SHORTEST && p.resize_width != p.resize_height)
        plan->filter = VIT_FILTER_BICUBIC; /* open_clip forgets its filter there */
    const uint64_t limit = o.max_pixels ? o.max_pixels : VIT_MAX_PIXELS;
    const size image = {width, height}, target = resized(&p, width, height);
    const size result = p.crop ? (size){p.crop_width, p.crop_height} : target;
    status = check_pictures(&image, &target, o.resampler, limit, err);
    if (status == VIT_OK)
        status = check_size(&result, limit, err);
    if (status == VIT_OK)
        status = check_patches(&p, &target, err);
    if (status != VIT_OK)
        return status;
    plan->resized_width = (uint32_t)target.width;
    plan->resized_height = (uint32_t)target.height;
    plan->width = (uint32_t)result.width;
    plan->height = (uint32_t)result.height;
    plan->left = placed(&p, o.resampler, plan->resized_width, plan->width);
    plan->top = placed(&p, o.resampler, plan->resized_height, plan->height);
    return VIT_OK;
}

/* What `function` needs to answer with a size, which is 0 x 0 until it does. */
static vit_status start_size(const char *function, const vit_preprocessor *preprocessor, uint32_t *out_width,
                             uint32_t *out_height, vit_error *err)
{
    if (out_width)
        *out_width = 0;
    if (out_height)
        *out_height = 0;
    if (preprocessor && out_width && out_height)
        return VIT_OK;
    if (!preprocessor)
        return vit__fail_null(err, function, "preprocessor");
    return vit__fail_null(err, function, out_width ? "out_height" : "out_width");
}

vit_status vit_preprocess_shape(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                const vit_preprocess_options *options, uint32_t *out_width, uint32_t *out_height,
                                vit_error *err)
{
    vit__picture_plan plan;
    vit_status status = start_size(__func__, preprocessor, out_width, out_height, err);
    if (status == VIT_OK)
        status = vit__preprocess_plan(preprocessor, width, height, options, &plan, err);
    if (status != VIT_OK)
        return status;
    *out_width = plan.width;
    *out_height = plan.height;
    return VIT_OK;
}

vit_status vit_preprocess_region(const vit_preprocessor *preprocessor, uint32_t width, uint32_t height,
                                 const vit_preprocess_options *options, vit_region *region, vit_error *err)
{
    vit__picture_plan plan;
    if (region)
        *region = (vit_region){0};
    if (!preprocessor || !region)
        return vit__fail_null(err, __func__, preprocessor ? "region" : "preprocessor");
    vit_status status = vit__preprocess_plan(preprocessor, width, height, options, &plan, err);
    if (status != VIT_OK)
        return status;
    const double x = (double)width / plan.resized_width, y = (double)height / plan.resized_height;
    *region = (vit_region){(double)-plan.left * x, (double)-plan.top * y, plan.width * x, plan.height * y};
    return VIT_OK;
}

/* The edge of a square that has the area of all patches together: a picture whose edges are both as long
 * has, whatever its aspect, as many pixels as the resized one or more. */
static uint32_t patches_edge(const vit_preprocessor *p)
{
    double edge = ceil(sqrt((double)p->most_patches) * p->patch_size);
    return edge < VIT_MAX_PIXELS ? (uint32_t)edge : VIT_MAX_PIXELS;
}

/* What a square is resized to does not depend on its size, but where it is never enlarged more than a hundred times;
 * a square of one pixel, or as large as its patches, is never too large itself. */
vit_status vit_preprocess_check(const vit_preprocessor *preprocessor, const vit_preprocess_options *options,
                                vit_error *err)
{
    vit__picture_plan plan;
    if (!preprocessor)
        return vit__fail_null(err, __func__, "preprocessor");
    const uint32_t edge = preprocessor->resize == VIT__RESIZE_PATCHES ? patches_edge(preprocessor) : 1;
    return vit__preprocess_plan(preprocessor, edge, edge, options, &plan, err);
}

vit_status vit_preprocess_target(const vit_preprocessor *preprocessor, const vit_preprocess_options *options,
                                 uint32_t *out_width, uint32_t *out_height, vit_error *err)
{
    vit_preprocess_options o;
    vit_preprocessor p;
    vit_status status = start_size(__func__, preprocessor, out_width, out_height, err);
    if (status == VIT_OK)
        status = settle(preprocessor, options, &o, &p, err);
    if (status != VIT_OK)
        return status;
    bool none = p.resize == VIT__RESIZE_NONE;
    if (p.resize == VIT__RESIZE_PATCHES) {
        *out_width = *out_height = patches_edge(&p);
        return VIT_OK;
    }
    bool one_edge = p.resize == VIT__RESIZE_WITHIN || (p.resize == VIT__RESIZE_SHORTEST && is_one_number(&p));
    *out_width = none ? UINT32_MAX : one_edge ? p.resize_height : p.resize_width;
    *out_height = none ? UINT32_MAX : p.resize_height;
    return VIT_OK;
}
