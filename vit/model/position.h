/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of positions for the picture size that a model runs at: made from the stored tables, or by formula. */
#ifndef VIT_POSITION_H
#define VIT_POSITION_H

#include <stdint.h>

#include "config.h"

/* Rows of the table that is added to the tokens: one for each token that carries a position. 0: there is no table. */
size_t vit__position_rows(const vit_config *config);

/* Does the picture size ask for another grid than the stored one? */
bool vit__position_is_resized(const vit_config *config);

/* table[vit__position_rows][D]. stored: the checkpoint's, for the grid
 * position_height x position_width, or NULL where the table is computed. */
vit_status vit__position_table(const vit_config *config, const float *stored, float *table, vit_error *err);

/* For pictures with sizes of their own: the row[D] of one patch, in a picture of size[0] rows and size[1] columns of
 * patches, from the stored table. scratch has vit__position_scratch floats, aligned for doubles. */
size_t vit__position_scratch(const vit_config *config);
void vit__position_row(const vit_config *config, const float *stored, const size_t size[2], size_t patch,
                       double *scratch, float *row);

/* Entries of a BEiT relative position table for a window of h x w patches: (2h-1)(2w-1) distances, then class to patch,
 * patch to class, class to class. */
size_t vit__position_relative_entries(size_t h, size_t w);

/* table[heads][entries for the picture size] from stored[entries for the stored grid][heads], resized bilinearly as
 * transformers' BeitRelativePositionBias does where the sizes differ. */
vit_status vit__position_relative_table(const vit_config *config, const float *stored, float *table, vit_error *err);

/* For texts (VIT__RELATIVE_BUCKETS): table[heads][buckets] from stored[buckets][heads]. */
void vit__position_bucket_table(const vit_config *config, const float *stored, float *table);

/* index[2T - 1]: in which bucket a key is that comes (i - (T - 1)) tokens after the query. */
void vit__position_bucket_index(const vit_config *config, uint32_t *index);

/* index[T][T]: which entry holds the bias of query and key (Liu et al. 2021, with BEiT's three for the class token). */
void vit__position_relative_index(const vit_config *config, uint32_t *index);

#endif
