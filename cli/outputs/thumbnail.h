/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pictures for pages: JPEG, as the text of a data: URI. */
#ifndef CLI_THUMBNAIL_H
#define CLI_THUMBNAIL_H

#include <stdbool.h>

#include "text.h"
#include "vit/io.h"

typedef struct cli_thumbnail_size {
    unsigned width, height; /* zero: there is no picture */
} cli_thumbnail_size;

/* Appends "data:image/jpeg;base64,...": the picture, at most `edge` pixels wide and high. If the file cannot be read,
 * nothing is appended, and the answer is all zero. Several threads may call it. */
cli_thumbnail_size cli_thumbnail(const char *path, unsigned edge, cli_text *text);

/* Appends "data:image/png;base64,...": the image as it is. false: it could not be made, and nothing is appended. */
bool cli_png_uri(const vit_image *image, cli_text *text);

#endif
