/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <png.h>

#include "byte_limit.h"
#include "vit/io.h"

#define EDGE_MOST 1000000u /* libpng's own limit */

vit_status vit_image_encode_png(const vit_image *image, void **bytes, size_t *size, vit_error *err)
{
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK && (!image || !image->pixels || image->width == 0 || image->height == 0))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__,
                           "image is NULL or has no pixels");
    if (status != VIT_OK)
        return status;
    if (image->width > EDGE_MOST || image->height > EDGE_MOST || (uint64_t)image->width * image->height > VIT_MAX_PIXELS)
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "a PNG of %lux%lu pixels", (unsigned long)image->width,
                         (unsigned long)image->height);
    png_image png = {.version = PNG_IMAGE_VERSION, .width = image->width, .height = image->height,
                     .format = PNG_FORMAT_RGB};
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(png);
    void *memory = malloc(length);
    if (!memory)
        return vit__fail_memory(err, NULL);
    if (!png_image_write_to_memory(&png, memory, &length, 0, image->pixels, 0, NULL)) {
        free(memory);
        return vit__fail(err, VIT_ERR_INTERNAL, NULL, "PNG: %s", png.message);
    }
    *bytes = memory;
    *size = length;
    return VIT_OK;
}
