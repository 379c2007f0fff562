/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 754 half floats: 1 bit of sign, 5 of exponent, 10 of mantissa. */
#ifndef VIT_HALF_H
#define VIT_HALF_H

#include <stdint.h>

/* The nearest half float, of two that are equally near the even one. 65520 and up become infinity. */
uint16_t vit__half(float value);
float vit__half_to_float(uint16_t half); /* exact */

#endif
