/* SPDX-License-Identifier: BSD-2-Clause */
/* Bitmaps of Windows: a header, perhaps a table of colours, and rows of pixels. BMP files hold one behind a header of
 * their own, and icons hold some. */
#ifndef VIT_DIB_H
#define VIT_DIB_H

#include "palette.h"
#include "reader.h"

typedef struct vit__dib {
    const vit__source *source;
    uint32_t width, height;
    unsigned bits;        /* of a pixel: 1, 4, 8, 16, 24, 32 */
    uint32_t compression; /* as in the header */
    bool top_down;
    bool has_alpha;
    bool five_six_five; /* 16 bits: 5-6-5, else 5-5-5 */
    uint8_t order[4];   /* 24, 32 bits: which byte of a pixel is red, green, blue, alpha */
    size_t pixels;      /* their offset in the file */
    uint8_t palette[VIT_PALETTE][3];
    uint8_t *indices; /* run lengths, unpacked; to be freed. NULL: none */
} vit__dib;

/* Reads the header at `at`, and the colours. pixels is where the file header says that the pixels are, or 0. */
vit_status vit__dib_open(const vit__source *source, size_t at, size_t pixels, vit__dib *dib, vit_error *err);

/* Whether all rows are in the file. Unpacks run lengths. To be called when the limit on pixels has been checked; then
 * rows may be read. */
vit_status vit__dib_prepare(vit__dib *dib, vit_error *err);

/* Row y, from the top, as RGB (3 channels) or RGBA (4). */
void vit__dib_row(const vit__dib *dib, uint32_t y, unsigned channels, uint8_t *pixels);

#endif
