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

/* The start for commands that must know which options were given: exif and resampler are below 0 where they were
 * not. */
/* clang-format off */
#define CLI_PICTURES_UNSET {.exif = -1, .resampler = -1}
/* clang-format on */

extern const cli_option cli_picture_table[];

vit_preprocess_options cli_preprocess_options(const cli_picture_options *options);

/* How a picture is read that `rules` will resize. rules NULL: the whole picture is read, also with --fast-decode. */
vit_load_options cli_load_options(const cli_picture_options *options, const vit_preprocessor *rules);

/* path NULL is standard input. */
vit_status cli_picture_load(const vit_load_options *options, const char *path, vit_image *image, vit_error *err);

/* For a file that could not be read as a picture: reads its first bytes. If it is a tar file, a list or an array, *err
 * says so (mistaken.h). */
void cli_picture_explain(const char *path, vit_error *err);

/* "224x336" or "224": the first number into *first, the last into *second. */
bool cli_read_size(const char *value, uint32_t *first, uint32_t *second);

#endif
