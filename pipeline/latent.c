/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator behind `sample`, as docs/own-format.md has it. */
#include <math.h>

#include "vit/pipeline.h"

#define GOLDEN 0x9E3779B97F4A7C15u
#define TWO_PI 6.283185307179586476925286766559

/* The finaliser of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Standard normal, by Box and Muller (1958) from the numbers k + 1 and k + 2 of the sequence. */
static double normal(uint64_t key, uint64_t k)
{
    double u1 = ((double)(mix(key + (k + 1) * GOLDEN) >> 11) + 1) * 0x1p-53; /* in (0, 1] */
    double u2 = (double)(mix(key + (k + 2) * GOLDEN) >> 11) * 0x1p-53;       /* in [0, 1) */
    return sqrt(-2 * log(u1)) * cos(TWO_PI * u2);
}

void vit_latent_draw(uint64_t seed, uint64_t position, const float *log_variance, size_t n, float *z)
{
    uint64_t key = mix(seed + GOLDEN);
    for (size_t i = 0; i < n; i++)
        z[i] = (float)((double)z[i] + exp((double)log_variance[i] / 2) * normal(key, 2 * (position * n + i)));
}
