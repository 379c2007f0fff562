/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ids of a text are tokens, and which only fill it up. Padding is left out of the whole pass: it is no key of
 * any token, and no part of a mean. What is left keeps its place, by which positions and outputs are counted.
 * Example: of the ids 2 7 9 0 0 with pad_token 0 the tokens are 2 7 9, at the places 0, 1 and 2.
 */
#ifndef VIT_PLACES_H
#define VIT_PLACES_H

#include "lane.h"

/* Which tokens of a text with a class token behind it (class_behind) are no keys: hidden[length + 1]. */
void vit__places_hide(const vit_config *config, const struct vit__encoder_input *input, uint8_t *hidden);

/* How many of the ids are tokens, with the class token behind them; writes their places, which rise. places may be
 * NULL. */
size_t vit__places_find(const vit_config *config, const int32_t *ids, size_t length, uint32_t *places);

/* Rows [own][width] of the lane's tokens to their places in out[length][width]; zeros at the padding ahead of them,
 * and behind the last token, also of a picture that is smaller than others may be. */
void vit__places_spread(const vit__lane *lane, const float *rows, size_t width, float *out);

/* The same for one row of all tokens' values, in place: row[tokens] becomes row[length]. places NULL: as it is. */
void vit__places_spread_row(const uint32_t *places, size_t tokens, size_t length, float *row);

#endif
