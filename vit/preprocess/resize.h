/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resizing a picture, or the part of the result that a crop keeps, row by row into a sink: nothing as large as a
 * picture is ever held.
 */
#ifndef VIT_RESIZE_H
#define VIT_RESIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vit/vit.h"

/* n pixels of the resized picture, interleaved RGB: uint8_t, or float if the job says so. */
typedef struct vit__span {
    uint32_t x, y, n;
    const void *samples;
} vit__span;

typedef struct vit__resize_job {
    const vit_image *image;
    uint32_t width, height; /* of the whole result */
    uint32_t left, top;     /* the part of it that is wanted */
    uint32_t columns, rows; /* at least one each */
    vit_filter filter;
    vit_resampler resampler;
    bool floats; /* torchvision on float tensors, of samples * factor */
    float factor;
    void (*take)(void *context, const vit__span *span); /* each wanted pixel once */
    void *context;
} vit__resize_job;

vit_status vit__resize(const vit__resize_job *job, vit_error *err);

/* The two passes of a resize that is neither a copy nor by nearest neighbours. */
vit_status vit__resize_passes(const vit__resize_job *job, vit_error *err);

/* Whether the vertical pass comes first of a resize of 8-bit samples; from and to are width, height. */
bool vit__resize_vertical_first(vit_resampler resampler, const uint32_t from[2], const uint32_t to[2]);

/* The samples of n pixels, times factor, as float. */
void vit__resize_floats(const uint8_t *pixels, size_t n, float factor, float *out);

/* The address of a pixel. */
static inline const uint8_t *vit__pixel(const vit_image *image, size_t x, size_t y)
{
    return image->pixels + 3 * (y * image->width + x);
}

#endif
