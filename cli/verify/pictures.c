/* SPDX-License-Identifier: BSD-2-Clause */
#include "pictures.h"

#include <stdlib.h>

#include "text.h"

static vit_status load(cli_pictures *pictures, const vit_load_options *options, const cli_input *input, vit_error *err)
{
    if (input->error.status != VIT_OK)
        return vit_error_set(err, input->error.status, input->path, "%s", input->error.message);
    const char *path = input->kind == CLI_SOURCE_STDIN ? NULL : input->path;
    pictures->images = cli_reallocate(pictures->images, pictures->n + 1, sizeof *pictures->images);
    vit_status status = cli_picture_load(options, path, &pictures->images[pictures->n], err);
    pictures->n += status == VIT_OK;
    return status;
}

vit_status cli_pictures_load(cli_pictures *pictures, const cli_inputs *inputs, const cli_picture_options *options,
                             size_t most, vit_error *err)
{
    const vit_load_options load_options = cli_load_options(options, pictures->rules);
    vit_status status = VIT_OK;
    cli_walk *walk = cli_walk_start(inputs, false);
    cli_input input;
    pictures->options = cli_preprocess_options(options);
    while (status == VIT_OK && pictures->n < most && cli_walk_next(walk, &input)) {
        status = load(pictures, &load_options, &input, err);
        cli_input_free(&input);
    }
    cli_walk_free(walk);
    return status;
}

void cli_pictures_free(cli_pictures *pictures)
{
    for (size_t i = 0; i < pictures->n; i++)
        vit_image_free(&pictures->images[i]);
    free(pictures->images);
    *pictures = (cli_pictures){0};
}

vit_status cli_pictures_size(const cli_pictures *pictures, cli_size *size, vit_error *err)
{
    const vit_image *first = pictures->images;
    vit_preprocess_options options = pictures->options;
    options.resampler = VIT_RESAMPLER_PILLOW;
    return vit_preprocess_shape(pictures->rules, first->width, first->height, &options, &size->width, &size->height,
                                err);
}

vit_status cli_pictures_pixels(const cli_pictures *pictures, vit_resampler resampler, cli_size size, size_t n,
                               float *pixels, vit_error *err)
{
    vit_preprocess_options options = pictures->options;
    options.resampler = resampler;
    vit_status status = VIT_OK;
    for (size_t i = 0; i < n && status == VIT_OK; i++) {
        const vit_image *image = &pictures->images[i];
        cli_size its;
        status = vit_preprocess_shape(pictures->rules, image->width, image->height, &options, &its.width, &its.height,
                                      err);
        if (status == VIT_OK && (its.width != size.width || its.height != size.height))
            status = vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, NULL, "picture %zu becomes %ux%u pixels, not %ux%u",
                                   i + 1, its.height, its.width, size.height, size.width);
        if (status == VIT_OK)
            status = vit_preprocess(pictures->rules, image, &options, pixels + i * 3 * size.height * size.width, err);
    }
    return status;
}
