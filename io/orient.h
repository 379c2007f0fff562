/* SPDX-License-Identifier: BSD-2-Clause */
/* The picture under construction. Readers store pixels at the coordinates of the file; the canvas puts them where the
 * orientation wants them, so turning a picture takes neither a second pass nor a second picture in memory. */
#ifndef VIT_ORIENT_H
#define VIT_ORIENT_H

#include "reader.h"

typedef struct vit__canvas {
    uint32_t width;           /* of a row as stored in the file */
    uint8_t *origin;          /* where the file's pixel (0, 0) goes */
    ptrdiff_t step_x, step_y; /* bytes from there to (1, 0) and to (0, 1) */
} vit__canvas;

/* Whether EXIF orientation 1..8 makes columns of the stored rows. */
bool vit__turns_sideways(int orientation);

/* Makes room in *image for a picture stored as width x height and turned as EXIF orientation 1..8 says. The caller
 * frees *image. */
vit_status vit__canvas_create(const vit__source *source, uint32_t width, uint32_t height, int orientation,
                              vit_image *image, vit__canvas *canvas, vit_error *err);

/* The row y in the picture itself if it lies there as stored, else NULL. */
uint8_t *vit__canvas_row(const vit__canvas *canvas, uint32_t y);

/* Stores whole rows y, y + 1, ..., RGB without padding. */
void vit__canvas_store(const vit__canvas *canvas, uint32_t y, uint32_t rows, const uint8_t *pixels);

/* Which pixels of a row: count of them, at first, first + step, ... */
typedef struct vit__stride {
    uint32_t first, step, count;
} vit__stride;

/* Stores some pixels of row y, RGB. */
void vit__canvas_scatter(const vit__canvas *canvas, uint32_t y, vit__stride columns, const uint8_t *pixels);

#endif
