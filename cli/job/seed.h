/* SPDX-License-Identifier: BSD-2-Clause */
/* The seed of --sample. */
#ifndef CLI_SEED_H
#define CLI_SEED_H

#include <stdbool.h>

#include "options.h"

/* All zero: not given. */
typedef struct cli_seed {
    bool given;
    uint64_t seed;
} cli_seed;

const char *cli_set_seed(const cli_option *option, const char *value, void *field); /* cli_seed */

#endif
