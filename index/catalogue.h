/* SPDX-License-Identifier: BSD-2-Clause */
/* All images that an index had when a run started. They can be found by path, and by the size of the file. */
#ifndef VIT_CATALOGUE_H
#define VIT_CATALOGUE_H

#include "store.h"

typedef struct vit__known {
    vit_index_item item; /* without caption; id 0 never stands for an image */
    char *text;          /* the memory of its path and hash */
    bool seen;           /* met among the inputs */
    bool moved;          /* its file was found under another path */
} vit__known;

/* Starts all zero; freed with vit__catalogue_free. */
typedef struct vit__catalogue {
    vit__known *known; /* by path */
    size_t n;
    size_t *by_size; /* indices into known */
    vit_index *index;
} vit__catalogue;

bool vit__catalogue_load(vit__catalogue *catalogue, vit_index *index);
void vit__catalogue_free(vit__catalogue *catalogue);

vit__known *vit__catalogue_find(const vit__catalogue *catalogue, const char *path); /* NULL: unknown */

/* Calls match for the images of this size, until it answers true. Answers that image; NULL: there is none. */
vit__known *vit__catalogue_find_size(const vit__catalogue *catalogue, int64_t size,
                                     bool (*match)(void *context, const vit__known *known), void *context);

#endif
