/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of a forward pass that concern single rows: of tokens, or of patches that become tokens. */
#ifndef VIT_ROWS_H
#define VIT_ROWS_H

#include "gemm.h"

/* y[rows][width] = norm of each row of x[rows][width]; y may be x. */
void vit__rows_norm(const vit__workers *workers, const vit__norm_weights *norm, size_t rows, size_t width,
                    const float *x, float *y);

/* x += scale * branch; scale [width], or NULL for 1. */
void vit__rows_add(const vit__workers *workers, const float *branch, const float *scale, size_t rows, size_t width,
                   float *x);

typedef struct vit__picture {
    const float *pixels;
    size_t height, width;
} vit__picture;

/* Copies one patch of a picture [channels][height][width] into out: channels * patch_height * patch_width values in the
 * order of a convolution kernel, channel, row, column. Pixels right of and below the last whole patch are not read. A
 * config that pads pictures to whole patches has such patches too, with zeros outside of the picture. */
void vit__rows_patch(const vit_config *config, const vit__picture *picture, size_t patch, float *out);

#endif
