/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a preprocessor_config.json, or a config of timm's or open_clip's, and pictures preprocessed by it. */
#include <stdlib.h>

#include "fuzz.h"
#include "vit/vit.h"

#define PIXELS_MOST (1u << 18)

/* The picture resized, and as the model takes it. */
static void preprocess(const vit_preprocessor *preprocessor, const vit_image *image,
                       const vit_preprocess_options *options)
{
    uint32_t width, height;
    vit_image resized;
    vit_error err = {0};
    if (vit_preprocess_shape(preprocessor, image->width, image->height, options, &width, &height, &err) != VIT_OK ||
        (uint64_t)width * height > PIXELS_MOST)
        return;
    float *pixels = malloc(3 * sizeof *pixels * width * height);
    vit_status status = pixels ? vit_preprocess(preprocessor, image, options, pixels, &err) : VIT_OK;
    if (status == VIT_ERR_INTERNAL || err.status != status)
        abort();
    free(pixels);
    err = (vit_error){0};
    status = vit_preprocess_resized(preprocessor, image, options, &resized, &err);
    if (status == VIT_ERR_INTERNAL || err.status != status || (resized.pixels != NULL) != (status == VIT_OK))
        abort();
    vit_image_free(&resized);
}

static void try_pictures(const vit_preprocessor *preprocessor)
{
    static uint8_t samples[13 * 7 * 3];
    static const vit_image pictures[] = {{13, 7, samples}, {7, 13, samples}, {91, 1, samples}};
    static const vit_preprocess_options ways[] = {
        {.max_pixels = PIXELS_MOST},
        {.max_pixels = PIXELS_MOST, .image_width = 24, .image_height = 16, .resampler = VIT_RESAMPLER_TORCHVISION}};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++)
            preprocess(preprocessor, &pictures[i], &ways[k]);
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
    try_pictures(preprocessor);
    vit_preprocessor_free(preprocessor);
    return 0;
}
