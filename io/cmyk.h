/* SPDX-License-Identifier: BSD-2-Clause */
/* Inks to colours, as Pillow converts them. */
#ifndef VIT_CMYK_H
#define VIT_CMYK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* a * b / 255, rounded. */
static inline uint8_t vit__multiply_255(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* count pixels of four inverted levels (255: no ink) to RGB, in place. In them K = 255 - k, and R = k - C * k / 255. */
static inline void vit__cmyk_to_rgb(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *cmyk = pixels + 4 * i;
        const unsigned k = cmyk[3];
        uint8_t rgb[3];
        for (int channel = 0; channel < 3; channel++)
            rgb[channel] = (uint8_t)(k - vit__multiply_255(255u - cmyk[channel], k));
        memcpy(pixels + 3 * i, rgb, 3);
    }
}

#endif
