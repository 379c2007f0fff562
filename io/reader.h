/* SPDX-License-Identifier: BSD-2-Clause */
/* What the readers of the formats share: where the bytes are, the limits, and how they report. Each takes a whole
 * file in memory, never a path, so that it can be fuzzed; on failure it leaves nothing behind in *image. */
#ifndef VIT_READER_H
#define VIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "library.h"
#include "vit/io.h"

/* Width and height that a picture has in its file. */
typedef struct vit__sizes {
    uint32_t whole[2];  /* upright; set by a reader that decodes less than the whole, else 0 */
    uint32_t stored[2]; /* before it is turned */
    bool alone;         /* nothing else is wanted: vit__check_pixels ends the reading once it has noted them */
    bool noted;         /* the stored size is known */
} vit__sizes;

typedef struct vit__source {
    const uint8_t *bytes;
    size_t size;
    const char *name;  /* for messages; may be NULL */
    vit__sizes *sizes; /* what readers note */
} vit__source;

/* options is complete: limits are never 0. */
typedef vit_status vit__read_function(const vit__source *source, const vit_load_options *options, vit_image *image,
                                      vit_error *err);

/* A format of pictures. Each has one in the file that reads it. */
typedef struct vit__format {
    const char *name;                           /* "GIF" */
    bool (*accepts)(const vit__source *source); /* by content; also where the build lacks the format */
    vit__read_function *read;                   /* NULL: the build lacks it, and would have it after */
    const char *remedy;                         /* "install libgif-dev"; NULL: no build lacks it */
} vit__format;

extern const vit__format vit__format_jpeg, vit__format_png, vit__format_pnm, vit__format_webp, vit__format_gif,
    vit__format_bmp, vit__format_ico, vit__format_psd, vit__format_tiff, vit__format_avif, vit__format_heic,
    vit__format_jxl;

/* For everything else: always VIT_ERR_UNSUPPORTED_FORMAT, naming the format where it can be told. */
vit__read_function vit__read_unknown;
/* The name of the format: "PDF". NULL: it cannot be told. */
const char *vit__unknown_name(const vit__source *source);

/* VIT_ERR_TOO_LARGE when width * height is past options->max_pixels. To be called before memory is taken, first with
 * the size of the picture, which it notes, and then with those of its parts. Where the size alone is wanted, this fails
 * without a message, and the reader ends as after any error. */
vit_status vit__check_pixels(const vit__source *source, const vit_load_options *options, uint64_t width,
                             uint64_t height, vit_error *err);

/* VIT_ERR_TRUNCATED: the data of this format end too early. */
vit_status vit__fail_truncated(const vit__source *source, const char *format, vit_error *err);

/* VIT_ERR_UNSUPPORTED_FORMAT: the library that reads this format could not be loaded. */
vit_status vit__fail_not_loaded(const vit__source *source, const char *format, const vit__library *library,
                                vit_error *err);

#endif
