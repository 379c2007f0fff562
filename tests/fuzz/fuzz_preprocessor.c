/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a preprocessor_config.json, or a config of timm's or open_clip's, and a picture preprocessed by it. */
#include <stdlib.h>

#include "fuzz.h"
#include "vit/vit.h"

#define PIXELS_MOST (1u << 18)

static void preprocess(const vit_preprocessor *preprocessor)
{
    enum { WIDTH = 13, HEIGHT = 7 };
    static uint8_t picture[WIDTH * HEIGHT * 3];
    const vit_image image = {.width = WIDTH, .height = HEIGHT, .pixels = picture};
    const vit_preprocess_options options = {.max_pixels = PIXELS_MOST};
    uint32_t width, height;
    vit_error err = {0};
    if (vit_preprocess_shape(preprocessor, WIDTH, HEIGHT, &options, &width, &height, &err) != VIT_OK ||
        (uint64_t)width * height > PIXELS_MOST)
        return;
    float *pixels = malloc(3 * sizeof *pixels * width * height);
    const vit_status status = pixels ? vit_preprocess(preprocessor, &image, &options, pixels, &err) : VIT_OK;
    if (status == VIT_ERR_INTERNAL || err.status != status)
        abort();
    free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    vit_preprocessor *preprocessor = NULL;
    vit_error err = {0};
    scratch_write("preprocessor_config.json", bytes, size);
    const vit_status status = vit_preprocessor_open(scratch_path("preprocessor_config.json"), &preprocessor, &err);
    if ((preprocessor != NULL) != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (!preprocessor)
        return 0;
    char *description = vit_preprocessor_describe(preprocessor);
    if (!description)
        abort();
    vit_free(description);
    preprocess(preprocessor);
    vit_preprocessor_free(preprocessor);
    return 0;
}
