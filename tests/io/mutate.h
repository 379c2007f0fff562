/* SPDX-License-Identifier: BSD-2-Clause */
/* Damaging picture files in ways that can be repeated. */
#ifndef VIT_MUTATE_H
#define VIT_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Copies bytes to copy (room for size bytes) with a few changes, perhaps cut; returns the new size. In a PNG most
 * checksums are made right again, so that what is behind them is reached. */
size_t mutate(const uint8_t *bytes, size_t size, uint8_t *copy, uint64_t *state);

/* Overwrites the size in the header of a PNG, and its checksum. */
void png_header_resize(uint8_t *bytes, uint32_t width, uint32_t height);

#endif
