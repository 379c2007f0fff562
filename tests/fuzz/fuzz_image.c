/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a picture. */
#include <stdlib.h>

#include "fuzz.h"
#include "vit/io.h"

static void decode(const uint8_t *bytes, size_t size, const vit_load_options *options)
{
    vit_image image = {0};
    vit_error err = {0};
    const vit_status status = vit_image_decode(bytes, size, "fuzz", options, &image, &err);
    int readable;
    const char *format = vit_image_format_of(bytes, size, &readable);
    if ((readable && !format) || (!readable && status != VIT_ERR_UNSUPPORTED_FORMAT))
        abort();
    const int handed_over = image.pixels != NULL;
    if (handed_over != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    vit_image_free(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const vit_load_options ways[] = {
        {.exif = VIT_EXIF_APPLY, .max_pixels = 1 << 20},
        {.exif = VIT_EXIF_IGNORE, .composite = 1, .background = {1, 2, 3}, .max_pixels = 1 << 20}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        decode(bytes, size, &ways[i]);
    return 0;
}
