/* SPDX-License-Identifier: BSD-2-Clause */
/* Tiles of one size beside and below each other, with white gaps, as one picture. */
#ifndef VIT_SHEET_H
#define VIT_SHEET_H

#include "vit/pipeline.h"

typedef struct vit__sheet {
    vit_image *image;
    uint32_t width, height; /* of a tile */
    uint32_t scale;         /* pixels of the sheet for a pixel of the picture: small pictures are enlarged */
    size_t across, n;       /* tiles in a row, and tiles begun so far */
} vit__sheet;

/* Takes the memory for `tiles` tiles, each as large as the picture, enlarged. The caller frees *image with
 * vit_image_free; on failure it is all zero. */
vit_status vit__sheet_start(vit__sheet *sheet, const vit_image *picture, size_t tiles, size_t across, vit_image *image,
                            vit_error *err);

/* at: where the next tile begins, from the left and from the top. */
void vit__sheet_next(vit__sheet *sheet, uint32_t at[2]);

/* *result = the image, width x height pixels of a picture large, enlarged as the sheet is. */
vit_status vit__sheet_scale(const vit__sheet *sheet, const vit_image *image, const uint32_t size[2], vit_filter filter,
                            vit_image *result, vit_error *err);

/* The same, into the sheet. */
vit_status vit__sheet_draw(vit__sheet *sheet, const vit_image *image, const uint32_t size[2], vit_filter filter,
                           const uint32_t at[2], vit_error *err);

#endif
