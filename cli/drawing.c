/* SPDX-License-Identifier: BSD-2-Clause */
#include "drawing.h"

#include "file_kind.h"

vit_status cli_picture_see(const cli_seen *seen, const char *path, vit_image *picture, float *pixels, vit_error *err)
{
    const vit_model *model = seen->model;
    const vit_preprocessor *rules = vit_model_preprocessor(model);
    const vit_preprocess_options options = cli_preprocess_options(seen->pictures);
    const vit_load_options load = cli_load_options(seen->pictures, rules);
    vit_image image = {0};
    vit_status status = cli_picture_load(&load, path, &image, err);
    if (status == VIT_OK)
        status = vit_preprocess_resized(rules, &image, &options, picture, err);
    if (status == VIT_OK &&
        (picture->width != vit_model_image_width(model) || picture->height != vit_model_image_height(model)))
        status = vit_error_set(
            err, VIT_ERR_UNSUPPORTED_FORMAT, path,
            "the preprocessing gives %ux%u, and the model runs at %ux%u: name a size with --image-size",
            picture->height, picture->width, vit_model_image_height(model), vit_model_image_width(model));
    if (status == VIT_OK)
        status = vit_preprocess(rules, &image, &options, pixels, err);
    vit_image_free(&image);
    return status;
}

bool cli_drawing_write(const char *path, const void *png, size_t size, cli_file *file)
{
    return cli_file_open(file, path) && cli_file_write(file, png, CLI_PNG_HEADER) &&
           cli_file_write(file, cli_png_mark, sizeof cli_png_mark) &&
           cli_file_write(file, (const char *)png + CLI_PNG_HEADER, size - CLI_PNG_HEADER) && cli_file_settle(file);
}
