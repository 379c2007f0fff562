/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a distance inside a window adds to a score: tables [heads][(2h-1)(2w-1)] for windows of h x w tokens. A window
 * of 7x7 has 13x13 distances; the query lying dy rows below and dx columns right of the key has entry
 * (dy + h - 1)(2w - 1) + dx + w - 1.
 */
#ifndef VIT_WINDOW_POSITION_H
#define VIT_WINDOW_POSITION_H

#include "stages.h"

/* From a stored table [entries][heads]. The config is a block's (vit__config_at), here and below. */
void vit__position_window_table(const vit_config *config, const float *stored, float *table);

/* The MLP of SwinV2: matrix [512, 2] with bias, relu, matrix [heads, 512]. */
typedef struct vit__continuous {
    const float *first, *bias, *second;
} vit__continuous;

/* 16 sigmoid(mlp(coordinates)), the coordinates being logarithms of the distance (Liu et al. 2022, section 3.3). */
void vit__position_continuous_table(const vit_config *config, const vit__continuous *mlp, float *table);

#endif
