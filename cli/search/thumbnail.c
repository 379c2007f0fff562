/* SPDX-License-Identifier: BSD-2-Clause */
#include "thumbnail.h"

#include <nettle/base64.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
/* libjpeg wants stdio.h first */
#include <jpeglib.h>

#include "vit/io.h"

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

typedef struct jpeg_failure {
    struct jpeg_error_mgr manager;
    jmp_buf back;
} jpeg_failure;

static void on_error(j_common_ptr info)
{
    longjmp(((jpeg_failure *)(void *)info->err)->back, 1);
}

static void be_silent(j_common_ptr info)
{
    (void)info;
}

/* *bytes is malloc's, also on failure. */
static bool compress(const vit_image *image, unsigned char **bytes, unsigned long *size)
{
    struct jpeg_compress_struct info;
    jpeg_failure failure;
    info.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = on_error;
    failure.manager.output_message = be_silent;
    if (setjmp(failure.back)) {
        jpeg_destroy_compress(&info);
        return false;
    }
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, bytes, size);
    info.image_width = image->width;
    info.image_height = image->height;
    info.input_components = 3;
    info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, QUALITY, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = image->pixels + (size_t)info.next_scanline * image->width * 3;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return true;
}

static void add_base64(const unsigned char *bytes, size_t size, cli_text *text)
{
    char *encoded = cli_allocate(BASE64_ENCODE_RAW_LENGTH(size), 1);
    base64_encode_raw(encoded, size, bytes);
    cli_text_add(text, encoded, BASE64_ENCODE_RAW_LENGTH(size));
    free(encoded);
}

cli_thumbnail_size cli_thumbnail(const char *path, unsigned edge, cli_text *text)
{
    vit_image image = {0}, small = {0};
    cli_thumbnail_size result = {0};
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    vit_status status = vit_image_load(path, NULL, &image, NULL);
    if (status == VIT_OK)
        status = shrink(&image, edge, &small, NULL);
    if (status == VIT_OK && compress(&small, &bytes, &size)) {
        cli_text_string(text, "data:image/jpeg;base64,");
        add_base64(bytes, size, text);
        result = (cli_thumbnail_size){small.width, small.height};
    }
    free(bytes);
    vit_image_free(&small);
    vit_image_free(&image);
    return result;
}
