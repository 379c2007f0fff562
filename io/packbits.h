/* SPDX-License-Identifier: BSD-2-Clause */
/* Run lengths as Apple's PackBits has them: n < 128: n + 1 bytes as they are; n > 128: the next byte 257 - n times. */
#ifndef VIT_PACKBITS_H
#define VIT_PACKBITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packed byte stands for at most so many. */
#define VIT_PACKBITS_EXPANSION 64u

/* Unpacks `wanted` bytes to `to`. false: size bytes do not hold so many. */
bool vit__packbits(const uint8_t *bytes, size_t size, uint8_t *to, size_t wanted);

#endif
