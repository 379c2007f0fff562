/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of all weights: which of them a config asks for, and in which shape. A new kind of weight is a row of this
 * table. Some slots pack others: QKV holds the rows of QUERY, KEY and VALUE in one matrix. A checkpoint has either the
 * packed tensor or its parts.
 */
#ifndef VIT_BINDING_SPECS_H
#define VIT_BINDING_SPECS_H

#include "binding.h"

typedef struct vit__shape {
    size_t rank, sizes[VIT__BINDING_RANK_MAX];
} vit__shape;

/* Does the config ask for the slot's weight, or for its bias? */
bool vit__spec_wants(const vit_config *config, vit__slot slot, size_t block, bool bias);

/* The shape of the slot's weight, as a checkpoint in this layout has it. */
vit__shape vit__spec_shape(const vit_config *config, vit__slot slot, size_t block, vit__layout layout);

/* Are the rows of this slot those of heads of keys or values, of which there may be fewer than heads of queries? */
bool vit__spec_is_grouped(vit__slot slot);

/* The slot that packs this one. If that slot has a tensor, this one has none. */
#define VIT__UNPACKED VIT__SLOTS /* no slot packs it */
vit__slot vit__spec_packed(vit__slot slot);

/* Does this slot pack others? It need not be there: its parts may be. */
bool vit__spec_packs(vit__slot slot);

#endif
