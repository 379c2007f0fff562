/* SPDX-License-Identifier: BSD-2-Clause */
/* Transparency where it is not simply dropped. */
#ifndef VIT_ALPHA_H
#define VIT_ALPHA_H

#include <stddef.h>
#include <stdint.h>

#include "vit/io.h"

/* count pixels of RGBA over the background, to RGB, in place: round((c * a + b * (255 - a)) / 255), in which halves do
 * not occur. */
static inline void vit__alpha_composite(uint8_t *row, size_t count, const uint8_t background[3])
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *rgba = row + 4 * i;
        const unsigned alpha = rgba[3];
        uint8_t *rgb = row + 3 * i; /* never ahead of rgba, and alpha has been read */
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((rgba[c] * alpha + background[c] * (255 - alpha) + 127) / 255);
    }
}

/* count pixels of RGBA to RGB, in place. */
static inline void vit__alpha_drop(uint8_t *row, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            row[3 * i + c] = row[4 * i + c];
}

/* count pixels of RGBA to RGB, in place, as the options ask: over the background, or the alpha dropped. */
static inline void vit__alpha_resolve(uint8_t *row, size_t count, const vit_load_options *options)
{
    if (options->composite) {
        vit__alpha_composite(row, count, options->background);
        return;
    }
    vit__alpha_drop(row, count);
}

#endif
