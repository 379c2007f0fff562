/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_length.h"

#include <math.h>

#include "vit/pipeline.h"

#define LENGTH_MIN 1e-12

double vit__length(const float *vector, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)vector[i] * (double)vector[i];
    double length = sqrt(sum);
    return length > LENGTH_MIN || isnan(length) ? length : LENGTH_MIN;
}

int vit_to_unit_length(float *vector, size_t n)
{
    if (!vector)
        return 0;
    double length = vit__length(vector, n);
    for (size_t i = 0; i < n; i++)
        vector[i] = (float)((double)vector[i] / length);
    return length > LENGTH_MIN && isfinite(length);
}
