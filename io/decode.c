/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes -> 8-bit RGB: completes the options, tells the format by its content, and hands over to its reader. */
#include <inttypes.h>

#include "byte_limit.h"
#include "reader.h"

typedef struct format {
    bool (*accepts)(const vit__source *source);
    vit__read_function *read;
} format;

static bool accepts_anything(const vit__source *source)
{
    (void)source;
    return true;
}

/* The first row that accepts decides. */
static const format formats[] = {
    {vit__is_jpeg, vit__read_jpeg}, {vit__is_png, vit__read_png},          {vit__is_pnm, vit__read_pnm},
    {vit__is_webp, vit__read_webp}, {accepts_anything, vit__read_unknown},
};

vit_status vit__check_pixels(const vit__source *source, const vit_load_options *options, uint64_t width,
                             uint64_t height, vit_error *err)
{
    if (width <= UINT32_MAX && height <= UINT32_MAX && width * height <= options->max_pixels)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_TOO_LARGE, source->name,
                     "%" PRIu64 " x %" PRIu64 " pixels are more than the limit of %" PRIu64
                     "; raise the limit on pixels if you trust this file",
                     width, height, options->max_pixels);
}

static vit_status complete_options(const vit_load_options *given, vit_load_options *options, vit_error *err)
{
    *options = given ? *given : (vit_load_options){0};
    if (options->exif != VIT_EXIF_APPLY && options->exif != VIT_EXIF_IGNORE)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "options->exif is %d, not one of vit_exif",
                         (int)options->exif);
    if (VIT__CHECK_RESERVED(err, "vit_load_options", options) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    if (options->max_pixels == 0)
        options->max_pixels = VIT_MAX_PIXELS;
    options->max_bytes = vit__picture_kind(options->max_bytes).most;
    return VIT_OK;
}

vit_status vit_image_decode(const void *bytes, size_t size, const char *name, const vit_load_options *given,
                            vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!image || (!bytes && size > 0))
        return vit__fail_null(err, __func__, image ? "bytes" : "image");

    vit_load_options options;
    vit_status status = complete_options(given, &options, err);
    if (status != VIT_OK)
        return status;
    const vit__file_kind kind = vit__picture_kind(options.max_bytes);
    if (size > kind.most)
        return vit__fail_too_large(err, name, &kind);

    const vit__source source = {bytes, size, name};
    const format *found = formats;
    while (!found->accepts(&source))
        found++;
    uint32_t whole[2] = {0};
    options.whole_size = whole;
    status = found->read(&source, &options, image, err);
    if (given && given->whole_size) {
        given->whole_size[0] = whole[0] ? whole[0] : image->width;
        given->whole_size[1] = whole[1] ? whole[1] : image->height;
    }
    return status;
}

const char *vit_exif_name(vit_exif exif)
{
    static const char *const names[] = {[VIT_EXIF_APPLY] = "apply", [VIT_EXIF_IGNORE] = "ignore"};
    return (size_t)exif < sizeof names / sizeof *names ? names[exif] : NULL;
}
