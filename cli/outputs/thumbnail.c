/* SPDX-License-Identifier: BSD-2-Clause */
#include "thumbnail.h"

#include <stdlib.h>

#include "base64_text.h"

#define QUALITY 80

/* So that it fits into edge x edge; never larger than it is. */
static vit_status shrink(const vit_image *image, unsigned edge, vit_image *small, vit_error *err)
{
    uint32_t longest = image->width > image->height ? image->width : image->height;
    double scale = longest > edge ? (double)edge / (double)longest : 1;
    uint32_t width = (uint32_t)(scale * image->width + 0.5), height = (uint32_t)(scale * image->height + 0.5);
    vit_status status = vit_image_alloc(width ? width : 1, height ? height : 1, small, err);
    return status == VIT_OK ? vit_image_resize(image, small, VIT_FILTER_BILINEAR, VIT_RESAMPLER_PILLOW, err) : status;
}

static void add_base64(const void *bytes, size_t size, cli_text *text)
{
    char *encoded = cli_allocate(VIT__BASE64_SIZE(size), 1);
    vit__base64_encode(bytes, size, encoded);
    cli_text_add(text, encoded, VIT__BASE64_SIZE(size));
    free(encoded);
}

cli_thumbnail_size cli_thumbnail(const char *path, unsigned edge, cli_text *text)
{
    vit_image image = {0}, small = {0};
    cli_thumbnail_size result = {0};
    void *bytes = NULL;
    size_t size = 0;
    vit_status status = vit_image_load(path, NULL, &image, NULL);
    if (status == VIT_OK)
        status = shrink(&image, edge, &small, NULL);
    if (status == VIT_OK)
        status = vit_image_encode_jpeg(&small, QUALITY, &bytes, &size, NULL);
    if (status == VIT_OK) {
        cli_text_string(text, "data:image/jpeg;base64,");
        add_base64(bytes, size, text);
        result = (cli_thumbnail_size){small.width, small.height};
    }
    vit_free(bytes);
    vit_image_free(&small);
    vit_image_free(&image);
    return result;
}

bool cli_png_uri(const vit_image *image, cli_text *text)
{
    void *bytes = NULL;
    size_t size = 0;
    vit_status status = vit_image_encode_png(image, &bytes, &size, NULL);
    if (status == VIT_OK) {
        cli_text_string(text, "data:image/png;base64,");
        add_base64(bytes, size, text);
    }
    vit_free(bytes);
    return status == VIT_OK;
}
