/* SPDX-License-Identifier: BSD-2-Clause */
/* The options about pictures, and reading one as they say. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stdbool.h>

#include "options.h"
#include "vit/io.h"

typedef struct cli_picture_options {
    int exif;      /* vit_exif */
    int resampler; /* vit_resampler */
    struct {
        bool given;
        uint8_t rgb[3];
    } background;
    uint64_t max_pixels; /* 0: the default */
    cli_size image_size; /* zero: as the preprocessing says */
    bool fast_decode;
} cli_picture_options;

/* For commands that must know which of them were not given: exif and resampler are then below 0. */
/* clang-format off */
#define CLI_PICTURES_UNSET {.exif = -1, .resampler = -1}
/* clang-format on */

extern const cli_option cli_picture_table[];

vit_preprocess_options cli_preprocess_options(const cli_picture_options *options);

/* How a picture is read that `rules` will resize; rules NULL: it is wanted whole, whatever --fast-decode says. */
vit_load_options cli_load_options(const cli_picture_options *options, const vit_preprocessor *rules);

/* path NULL is standard input. */
vit_status cli_picture_load(const vit_load_options *options, const char *path, vit_image *image, vit_error *err);

/* Where a file could not be read as a picture because it is
 * something else, *err says what (mistaken.h). Reads its start. */
void cli_picture_explain(const char *path, vit_error *err);

/* "224x336" or "224": the first number into *first, the last into *second. */
bool cli_read_size(const char *value, uint32_t *first, uint32_t *second);

#endif
