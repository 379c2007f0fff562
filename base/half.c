/* SPDX-License-Identifier: BSD-2-Clause */
#include "half.h"

#include <string.h>

uint16_t vit__half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)
        return (uint16_t)(sign | 0x7E00u); /* not a number */
    if (magnitude >= 0x47800000u)
        return (uint16_t)(sign | 0x7C00u); /* 65536 and up */
    uint32_t mantissa, shift, half;
    if (magnitude >= 0x38800000u) { /* 2^-14 and up: normal */
        mantissa = magnitude - 0x38000000u;
        shift = 13;
    } else if (magnitude >= 0x33000000u) { /* 2^-25 and up: subnormal */
        mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
        shift = 126 - (magnitude >> 23);
    } else {
        return (uint16_t)sign;
    }
    half = mantissa >> shift;
    uint32_t rest = mantissa & ((1u << shift) - 1), tie = 1u << (shift - 1);
    if (rest > tie || (rest == tie && (half & 1)))
        half++; /* a carry into the exponent, and from there into infinity, is right */
    return (uint16_t)(sign | half);
}

float vit__half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 0x1Fu, mantissa = half & 0x3FFu;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    uint32_t bits = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}
