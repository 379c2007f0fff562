/* SPDX-License-Identifier: BSD-2-Clause */
/* Lengths of vectors, as torch.nn.functional.normalize has them: a vector of zeros stays one. */
#ifndef CLI_UNIT_LENGTH_H
#define CLI_UNIT_LENGTH_H

#include <stddef.h>

/* Never less than 1e-12. */
double cli_length(const float *vector, size_t n);

void cli_to_length_one(float *vector, size_t n);

#endif
