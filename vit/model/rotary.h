/* SPDX-License-Identifier: BSD-2-Clause */
/* Rotary positions (Su et al. 2021): of the patches along both axes, or of the tokens of a text along one. */
#ifndef VIT_ROTARY_H
#define VIT_ROTARY_H

#include "config.h"

/* cosines and sines [1 or heads][N, or tokens of a text][head_dim], one for every element of a head,
 * for this block: with learned frequencies [2 (x, y)][depth][heads][head_dim/2]
 * where the kind is mixed (one table a head), else by formula (one for all). */
void vit__rotary_fill(const vit_config *config, const float *learned, size_t block, float *cosines, float *sines);

#endif
