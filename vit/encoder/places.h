/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ids of a text are tokens, and which are padding. Padding takes no part in the forward pass: no token sees it as
 * a key, and no mean counts it. Tokens keep their places in the text: positions and rows of outputs are counted by
 * place. Example: with pad_token 0, the ids 2 7 9 0 0 have the tokens 2 7 9, at the places 0, 1 and 2.
 */
#ifndef VIT_PLACES_H
#define VIT_PLACES_H

#include "lane.h"

/* For models whose class token stands behind the text (class_behind): hidden[length + 1] = 1 for tokens that no query
 * may see. */
void vit__places_hide(const vit_config *config, const struct vit__encoder_input *input, uint8_t *hidden);

/* Answers how many of the ids are tokens, counting a class token behind them. Writes their places, in rising order.
 * places may be NULL. */
size_t vit__places_find(const vit_config *config, const int32_t *ids, size_t length, uint32_t *places);

/* Copies rows[own][width] of the lane's tokens to their places in out[length][width]. Rows of padding become zero: the
 * lane writes those before each of its tokens, and the lane of the last token those behind it. A picture that is
 * smaller than the largest has such rows behind its last token too. */
void vit__places_spread(const vit__lane *lane, const float *rows, size_t width, float *out);

/* The same for one row with a value for each token, in place: row[tokens] becomes row[length]. places NULL: the row
 * stays as it is. */
void vit__places_spread_row(const uint32_t *places, size_t tokens, size_t length, float *row);

#endif
