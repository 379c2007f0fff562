/* SPDX-License-Identifier: BSD-2-Clause */
/* Luma and chroma to RGB, bit for bit as libheif does it (from 1.19 on). */
#ifndef VIT_YCBCR_H
#define VIT_YCBCR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Y, Cb, Cr as a decoder gives them. Samples of more than 8 bits have two bytes, in the machine's order. */
typedef struct vit__planes {
    const uint8_t *plane[3];
    size_t stride[3]; /* bytes */
    uint32_t width, height;
    unsigned bits;             /* 8 to 16 */
    unsigned shift_x, shift_y; /* chroma has a sample for 2^shift pixels */
    bool gray;                 /* there is Y alone */
} vit__planes;

typedef struct vit__ycbcr {
    float r, gb, gr, b; /* R = Y + r Cr, G = Y + gb Cb + gr Cr, B = Y + b Cb */
    int whole[4];       /* the same * 256 */
    bool full;          /* all levels are used, else 16 to 235 */
    bool is_whole;      /* in whole numbers, of 8 bits */
    bool is_identity;   /* the planes are G, B, R */
} vit__ycbcr;

/* matrix: as in ITU-T H.273, and full_range, as the nclx box says them. in_floats: whole numbers are not used where
 * they would be. */
vit__ycbcr vit__ycbcr_of(const vit__planes *planes, unsigned matrix, bool full_range, bool in_floats);

/* Row y. */
void vit__ycbcr_row(const vit__planes *planes, const vit__ycbcr *how, uint32_t y, uint8_t *rgb);

#endif
