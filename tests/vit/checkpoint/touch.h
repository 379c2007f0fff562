/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of whatever the parser lets through. */
#ifndef VIT_TEST_TOUCH_H
#define VIT_TEST_TOUCH_H

#include "safetensors.h"

/* Reads every byte of every tensor, as numbers where it can be. False: a tensor lies outside the bytes, they do not add
 * up to what follows the header, a size is not that of its shape, or names are not in order. */
bool touch(const vit__safetensors *content, const uint8_t *bytes, size_t size);

#endif
