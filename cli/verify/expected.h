/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tensors of an expected.safetensors are called (models/reference/README.md), and what they are here. */
#ifndef CLI_EXPECTED_H
#define CLI_EXPECTED_H

#include <stdbool.h>
#include <stdint.h>

#include "vit/tensors.h"
#include "vit/vit.h"

typedef struct cli_expected {
    vit_tower tower;
    vit_output output;
    size_t layer;
    bool normalised; /* to length 1 */
    bool sampled;    /* a draw from the latent, with this seed */
    uint64_t seed;
} cli_expected;

/* false: no output of ours has this name. */
bool cli_expected_of(const vit_tensor_file *file, const char *name, cli_expected *expected);

/* How far two tensors are apart. */
typedef struct cli_deviation {
    double error;  /* max |got - want| / max |want| */
    double cosine; /* of all numbers as one vector */
} cli_deviation;

cli_deviation cli_deviation_of(const float *got, const float *want, size_t n);

#endif
