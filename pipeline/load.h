/* SPDX-License-Identifier: BSD-2-Clause */
/* One item as the model takes it: a picture's pixels, or a text's token ids. */
#ifndef VIT_LOAD_H
#define VIT_LOAD_H

#include "pipeline_internal.h"

/* What is known of an item once it was read. */
typedef struct vit__loaded {
    size_t length;          /* values of the row: pixels, or token ids */
    uint32_t width, height; /* of the whole picture, upright; 0: there was none */
    double seconds;         /* of a processor, on this thread */
} vit__loaded;

/* Fills row, vit__pipeline_row_size bytes. Several threads may do this at once. On failure err says why. */
vit_status vit__load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit__loaded *loaded,
                     vit_error *err);

#endif
