/* SPDX-License-Identifier: BSD-2-Clause */
/* A picture as the model sees it, and the file that a drawing of it is written to. */
#ifndef CLI_DRAWING_H
#define CLI_DRAWING_H

#include <stdbool.h>

#include "output_file.h"
#include "picture.h"
#include "vit/vit.h"

typedef struct cli_seen {
    const vit_model *model;
    const cli_picture_options *pictures;
} cli_seen;

/* *picture = what the model sees of the picture at the path (NULL: of standard input), which the caller frees with
 * vit_image_free; pixels[vit_model_pixels_size] are the same for the encoder. */
vit_status cli_picture_see(const cli_seen *seen, const char *path, vit_image *picture, float *pixels, vit_error *err);

/* Writes the bytes of a PNG file, with the mark of a drawing behind its header, so that the next run may write over it.
 * The file is settled, and waits to be committed. false, with a message: it cannot be written. */
bool cli_drawing_write(const char *path, const void *png, size_t size, cli_file *file);

#endif
