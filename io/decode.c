/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes -> 8-bit RGB: completes the options, tells the format by its content, and hands over to its reader. */
#include <inttypes.h>

#include "byte_limit.h"
#include "reader.h"

/* The first that accepts decides. */
static const vit__format *const formats[] = {&vit__format_jpeg, &vit__format_png,  &vit__format_pnm,  &vit__format_webp,
                                             &vit__format_gif,  &vit__format_bmp,  &vit__format_ico,  &vit__format_psd,
                                             &vit__format_tiff, &vit__format_avif, &vit__format_heic, &vit__format_jxl};
#define FORMATS (sizeof formats / sizeof *formats)

const char *vit_image_format(size_t i)
{
    for (size_t n = 0; n < FORMATS; n++)
        if (formats[n]->read && i-- == 0)
            return formats[n]->name;
    return NULL;
}

/* NULL: none accepts. */
static const vit__format *format_of(const vit__source *source)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (formats[i]->accepts(source))
            return formats[i];
    return NULL;
}

const char *vit_image_format_of(const void *bytes, size_t size, int *readable)
{
    const vit__source source = {.bytes = bytes, .size = bytes ? size : 0};
    const vit__format *format = format_of(&source);
    if (readable)
        *readable = format && format->read;
    return format ? format->name : vit__unknown_name(&source);
}

static vit_status read_picture(const vit__source *source, const vit_load_options *options, vit_image *image,
                               vit_error *err)
{
    const vit__format *f = format_of(source);
    if (!f)
        return vit__read_unknown(source, options, image, err);
    if (f->read)
        return f->read(source, options, image, err);
    return vit__fail(
        err, VIT_ERR_UNSUPPORTED_FORMAT, source->name,
        "this is a picture in the format %s, which this build of vit does not read; %s and build again, or "
        "convert the picture to PNG or JPEG",
        f->name, f->remedy);
}

vit_status vit__check_pixels(const vit__source *source, const vit_load_options *options, uint64_t width,
                             uint64_t height, vit_error *err)
{
    if (width <= UINT32_MAX && height <= UINT32_MAX && width * height <= options->max_pixels) {
        vit__sizes *sizes = source->sizes;
        if (!sizes->noted) { /* every reader asks with what the header says; some ask again, of strips and tiles */
            sizes->stored[0] = (uint32_t)width;
            sizes->stored[1] = (uint32_t)height;
            sizes->noted = true;
        }
        return sizes->alone ? VIT_ERR_INTERNAL : VIT_OK;
    }
    return vit__fail(err, VIT_ERR_TOO_LARGE, source->name,
                     "%" PRIu64 " x %" PRIu64 " pixels are more than the limit of %" PRIu64
                     "; raise the limit on pixels if you trust this file",
                     width, height, options->max_pixels);
}

vit_status vit__fail_truncated(const vit__source *source, const char *format, vit_error *err)
{
    return vit__fail(err, VIT_ERR_TRUNCATED, source->name,
                     "the %s data end too early (after %zu bytes); copy or download the file again", format,
                     source->size);
}

vit_status vit__fail_not_loaded(const vit__source *source, const char *format, const vit__library *library,
                                vit_error *err)
{
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, source->name,
                     "this is a picture in the format %s, and the library that reads it is not installed (%s); install "
                     "%s, or convert the picture to PNG or JPEG",
                     format, library->why, library->file);
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

/* The image and the sizes of its file, which are zero on failure. */
static vit_status decode(vit__source source, const vit_load_options *given, vit_image *image, vit__sizes *sizes,
                         vit_error *err)
{
    vit_load_options options;
    vit_status status = complete_options(given, &options, err);
    if (status != VIT_OK)
        return status;
    const vit__file_kind kind = vit__picture_kind(options.max_bytes);
    if (source.size > kind.most)
        return vit__fail_too_large(err, source.name, &kind);
    source.sizes = sizes;
    status = read_picture(&source, &options, image, err);
    if (sizes->alone && sizes->noted)
        return VIT_OK;
    if (status != VIT_OK)
        *sizes = (vit__sizes){0};
    return status;
}

vit_status vit_picture_decode(const void *bytes, size_t size, const char *name, const vit_load_options *options,
                              vit_picture *picture, vit_error *err)
{
    if (picture)
        *picture = (vit_picture){0};
    if (!picture || (!bytes && size > 0))
        return vit__fail_null(err, __func__, picture ? "bytes" : "picture");
    vit__sizes sizes = {0};
    vit_image *image = &picture->image;
    vit_status status = decode((vit__source){bytes, size, name, NULL}, options, image, &sizes, err);
    picture->width = sizes.whole[0] ? sizes.whole[0] : image->width;
    picture->height = sizes.whole[1] ? sizes.whole[1] : image->height;
    picture->stored_width = sizes.stored[0];
    picture->stored_height = sizes.stored[1];
    return status;
}

vit_status vit_image_decode(const void *bytes, size_t size, const char *name, const vit_load_options *options,
                            vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!image || (!bytes && size > 0))
        return vit__fail_null(err, __func__, image ? "bytes" : "image");
    vit__sizes sizes = {0};
    return decode((vit__source){bytes, size, name, NULL}, options, image, &sizes, err);
}

vit_status vit_picture_measure(const void *bytes, size_t size, const char *name, const vit_load_options *options,
                               vit_picture *picture, vit_error *err)
{
    if (picture)
        *picture = (vit_picture){0};
    if (!picture || (!bytes && size > 0))
        return vit__fail_null(err, __func__, picture ? "bytes" : "picture");
    vit__sizes sizes = {.alone = true};
    vit_image image = {0};
    vit_error own = {0};
    vit_status status = decode((vit__source){bytes, size, name, NULL}, options, &image, &sizes, &own);
    vit_image_free(&image); /* of a reader that asked for no size */
    if (status != VIT_OK && err)
        *err = own;
    picture->stored_width = sizes.stored[0];
    picture->stored_height = sizes.stored[1];
    return status;
}

const char *vit_exif_name(vit_exif exif)
{
    static const char *const names[] = {[VIT_EXIF_APPLY] = "apply", [VIT_EXIF_IGNORE] = "ignore"};
    return (size_t)exif < sizeof names / sizeof *names ? names[exif] : NULL;
}
