/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a picture of the format FUZZ_FORMAT, or of none. Each of the other formats has an entry of its own, and
 * does not take this one's time. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vit/io.h"

static void decode(const uint8_t *bytes, size_t size, int readable, const vit_load_options *options)
{
    vit_image image = {0};
    vit_error err = {0};
    const vit_status status = vit_image_decode(bytes, size, "fuzz", options, &image, &err);
    if (!readable && status != VIT_ERR_UNSUPPORTED_FORMAT)
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
        {.exif = VIT_EXIF_IGNORE, .composite = 1, .background = {1, 2, 3}, .max_pixels = 1 << 20},
        {.max_pixels = 1 << 20, .least_width = 20, .least_height = 20}};
    int readable;
    const char *format = vit_image_format_of(bytes, size, &readable);
    if (readable && !format)
        abort();
    if (readable && strcmp(format, FUZZ_FORMAT) != 0)
        return 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        decode(bytes, size, readable, &ways[i]);
    return 0;
}
