/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pictures for pages: JPEG, as the text of a data: URI. */
#ifndef CLI_THUMBNAIL_H
#define CLI_THUMBNAIL_H

#include <stdbool.h>

#include "text.h"

typedef struct cli_thumbnail_size {
    unsigned width, height; /* zero: there is no picture */
} cli_thumbnail_size;

/* Appends "data:image/jpeg;base64,..." of a picture at most `edge` pixels wide and high. All
 * zero, and nothing appended, if the file cannot be read. May be called from several threads. */
cli_thumbnail_size cli_thumbnail(const char *path, unsigned edge, cli_text *text);

#endif
