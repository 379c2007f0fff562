/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of colours of 8-bit numbers. */
#ifndef VIT_PALETTE_H
#define VIT_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VIT_PALETTE 256

/* Fills a table of which n colours are known, as Pillow does. Numbers past the table are black. A table of grays that
 * are each their own number is no table: then every number is its own gray. */
static inline void vit__palette_complete(uint8_t palette[VIT_PALETTE][3], size_t n)
{
    bool grays = true;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            grays = grays && palette[i][c] == i;
    for (size_t i = n; i < VIT_PALETTE; i++)
        memset(palette[i], grays ? (int)i : 0, 3);
}

/* The colours of a row of numbers, as RGB. palette: the first byte of the table. */
static inline void vit__palette_row(const uint8_t *palette, const uint8_t *indices, size_t width, uint8_t *rgb)
{
    for (size_t x = 0; x < width; x++)
        memcpy(rgb + 3 * x, palette + 3 * (size_t)indices[x], 3);
}

#endif
