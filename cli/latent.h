/* SPDX-License-Identifier: BSD-2-Clause */
/* Draws from a Gaussian latent: the generator behind --sample, as docs/own-format.md has it. */
#ifndef CLI_LATENT_H
#define CLI_LATENT_H

#include <stdbool.h>

#include "options.h"

/* All zero: not given. */
typedef struct cli_seed {
    bool given;
    uint64_t seed;
} cli_seed;

const char *cli_set_seed(const cli_option *option, const char *value, void *field); /* cli_seed */

/* z[n] becomes z + exp(log_variance / 2) * eps, where eps depends on nothing but the seed, the input's position and the
 * component. */
void cli_latent_draw(uint64_t seed, uint64_t position, const float *log_variance, size_t n, float *z);

#endif
