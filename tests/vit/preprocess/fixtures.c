/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixtures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const resampler_columns[3] = {
    [VIT_RESAMPLER_PILLOW] = "pillow",
    [VIT_RESAMPLER_PILLOW13] = "pillow13",
    [VIT_RESAMPLER_TORCHVISION] = "torchvision",
};

void each_case(const char *kind, void (*visit)(const vit__json *row))
{
    vit_error err = {0};
    vit__json *manifest;
    assert_ok(vit__json_load(data_path("%s/manifest.json", kind), &manifest, &err), err);
    const vit__json *cases = vit__json_get(manifest, "cases");
    assert_true(vit__json_length(cases) > 0);
    for (size_t i = 0; i < vit__json_length(cases); i++)
        visit(vit__json_at(cases, i));
    vit__json_free(manifest);
}

vit_image load_image(const char *kind, const char *file)
{
    vit_error err = {0};
    vit_image image;
    assert_non_null(file);
    assert_ok(vit_image_load(data_path("%s/%s", kind, file), NULL, &image, &err), err);
    return image;
}

vit_image make_noise(uint32_t width, uint32_t height)
{
    vit_error err = {0};
    vit_image image;
    uint64_t state = 88172645463325252u + width * 65537u + height;
    assert_ok(vit_image_alloc(width, height, &image, &err), err);
    for (size_t i = 0; i < (size_t)3 * width * height; i++) {
        uint64_t random = random_next(&state);
        image.pixels[i] = (uint8_t)(random % 3 ? random >> 8 : random % 2 * 255); /* hard edges too */
    }
    return image;
}

vit_status read_rules(const char *library, const vit__json *config, vit_preprocessor *rules, vit_error *err)
{
    static const struct {
        const char *library;
        vit_status (*read)(const vit__json *, const char *, vit_preprocessor *, vit_error *);
    } readers[] = {{"transformers", vit__preprocess_from_transformers},
                   {"timm", vit__preprocess_from_timm},
                   {"open_clip", vit__preprocess_from_open_clip},
                   {"own", vit__preprocess_from_own}};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (strcmp(library, readers[i].library) == 0)
            return readers[i].read(config, "config", rules, err);
    fail_msg("no library %s", library);
    return VIT_ERR_INTERNAL;
}

vit_preprocessor rules_of(const char *library, const char *text)
{
    vit_error err = {0};
    vit__json *config;
    vit_preprocessor rules;
    assert_ok(vit__json_parse(text, strlen(text), "config", &config, &err), err);
    assert_ok(read_rules(library, config, &rules, &err), err);
    vit__json_free(config);
    return rules;
}

float *preprocess_image(const vit_preprocessor *rules, const vit_image *image, const vit_preprocess_options *options,
                        size_t *n)
{
    vit_error err = {0};
    uint32_t width, height;
    assert_ok(vit_preprocess_shape(rules, image->width, image->height, options, &width, &height, &err), err);
    *n = (size_t)3 * width * height;
    float *pixels = malloc(*n * sizeof *pixels);
    assert_non_null(pixels);
    for (size_t i = 0; i < *n; i++)
        pixels[i] = NAN; /* so that a pixel that is left out shows */
    assert_ok(vit_preprocess(rules, image, options, pixels, &err), err);
    return pixels;
}

bool next_level(int *level)
{
    static const char *const names[] = {"c", "avx2", "avx512"};
    if (*level == 3) {
        unsetenv("VIT_CPU");
        return false;
    }
    setenv("VIT_CPU", names[(*level)++], 1);
    return true;
}
