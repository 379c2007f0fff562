/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures that were decoded once, to be made into pixels by one resampler after the other. */
#ifndef CLI_PICTURES_H
#define CLI_PICTURES_H

#include "inputs.h"
#include "picture.h"

/* Starts all zero but for its rules; freed with cli_pictures_free. */
typedef struct cli_pictures {
    const vit_preprocessor *rules;
    vit_preprocess_options options; /* but for the resampler */
    vit_image *images;
    size_t n;
} cli_pictures;

/* Decodes the first pictures of the inputs, at most `most` of them. On failure err->where is the
 * picture. */
vit_status cli_pictures_load(cli_pictures *pictures, const cli_inputs *inputs, const cli_picture_options *options,
                             size_t most, vit_error *err);
void cli_pictures_free(cli_pictures *pictures);

/* The size that the rules make of the first picture; there is one. */
vit_status cli_pictures_size(const cli_pictures *pictures, cli_size *size, vit_error *err);

/* pixels[n][3][height][width] of the first n pictures. It is an error where one of them gets
 * another size. */
vit_status cli_pictures_pixels(const cli_pictures *pictures, vit_resampler resampler, cli_size size, size_t n,
                               float *pixels, vit_error *err);

#endif
