/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a preprocessor_config.json, or a config of timm's or open_clip's, and pictures preprocessed by it. */
#include <stdlib.h>

#include "fuzz.h"
#include "vit/vit.h"

#define PIXELS_MOST (1u << 18)

static void check(vit_status status, const vit_error *err)
{
    if (status == VIT_ERR_INTERNAL || err->status != status)
        abort();
}

/* What is asked of a preprocessor without a picture. */
static void ask(const vit_preprocessor *preprocessor, const vit_image *image, const vit_preprocess_options *options)
{
    uint32_t width = 1, height = 1;
    vit_region region = {0};
    vit_error err[3] = {0};
    check(vit_preprocess_check(preprocessor, options, &err[0]), &err[0]);
    check(vit_preprocess_target(preprocessor, options, &width, &height, &err[1]), &err[1]);
    check(vit_preprocess_region(preprocessor, image->width, image->height, options, &region, &err[2]), &err[2]);
    if ((err[2].status == VIT_OK) != (region.width > 0 && region.height > 0))
        abort();
}

/* The picture resized, and as the model takes it. */
static void preprocess(const vit_preprocessor *preprocessor, const vit_image *image,
                       const vit_preprocess_options *options)
{
    uint32_t width, height;
    vit_image resized;
    vit_error err = {0};
    ask(preprocessor, image, options);
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
        {.max_pixels = PIXELS_MOST, .image_width = 24, .image_height = 16, .resampler = VIT_RESAMPLER_TORCHVISION},
        {.max_pixels = 300},
        {.image_width = 24},
        {.resampler = (vit_resampler)9},
        {.image_width = UINT32_MAX, .image_height = UINT32_MAX}};
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
    char digest[65];
    if (vit_preprocessor_digest(preprocessor, digest, NULL) != VIT_OK)
        abort();
    try_pictures(preprocessor);
    vit_preprocessor_free(preprocessor);
    return 0;
}
