/* SPDX-License-Identifier: BSD-2-Clause */
/* The one thing we want from EXIF and XMP: which way up the picture is. Both take bytes nobody has checked. */
#ifndef VIT_EXIF_H
#define VIT_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The orientation in an EXIF block (a TIFF header and what follows; a leading "Exif\0\0" is skipped): 1..8; 1 if the
 * tag is there but means nothing; 0 if it is not there or the block is broken. */
int vit__exif_orientation(const uint8_t *bytes, size_t size);

/* The same for the text of an XMP packet. */
int vit__xmp_orientation(const uint8_t *text, size_t size);

/* EXIF if it has one, else XMP, else 1. */
int vit__choose_orientation(int exif, int xmp);

#endif
