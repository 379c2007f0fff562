/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_length.h"

#include <math.h>

#define LENGTH_MIN 1e-12

double cli_length(const float *vector, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)vector[i] * (double)vector[i];
    double length = sqrt(sum);
    return length > LENGTH_MIN || isnan(length) ? length : LENGTH_MIN;
}

bool cli_to_length_one(float *vector, size_t n)
{
    double length = cli_length(vector, n);
    for (size_t i = 0; i < n; i++)
        vector[i] = (float)((double)vector[i] / length);
    return length > LENGTH_MIN && isfinite(length);
}
