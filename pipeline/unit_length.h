/* SPDX-License-Identifier: BSD-2-Clause */
/* Lengths of vectors. */
#ifndef VIT_UNIT_LENGTH_H
#define VIT_UNIT_LENGTH_H

#include <stddef.h>

/* The square root of the sum of squares; at least 1e-12, so that one may divide by it. NaN stays NaN. */
double vit__length(const float *vector, size_t n);

#endif
