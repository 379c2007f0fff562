/* SPDX-License-Identifier: BSD-2-Clause */
/* The boxes of ISO/IEC 14496-12, which AVIF and HEIC files are made of: a length, a type of four letters, a content. */
#ifndef VIT_BOXES_H
#define VIT_BOXES_H

#include "reader.h"

/* Bytes inside the file. A box: type and content; as what to walk through, the rest of a content. */
typedef struct vit__box {
    char type[4];
    const uint8_t *bytes;
    size_t size;
} vit__box;

/* Takes the next box off the front of `rest`. false: there is none, or it reaches past the end. */
bool vit__box_next(vit__box *rest, vit__box *box);

/* The first box of this type in `in`. false: there is none. */
bool vit__box_find(vit__box in, const char *type, vit__box *box);

/* Whether the file begins with a box of brands that has one of these, each four letters: "avifavis". */
bool vit__has_brand(const vit__source *source, const char *brands);

#endif
