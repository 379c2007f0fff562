/* SPDX-License-Identifier: BSD-2-Clause */
/* Lengths of vectors, as torch.nn.functional.normalize has them: none is less than 1e-12, so that a vector of zeros stays
 * one. In double precision: the same on every machine, to the last bit of an f32. */
#ifndef CLI_UNIT_LENGTH_H
#define CLI_UNIT_LENGTH_H

#include <stdbool.h>
#include <stddef.h>

double cli_length(const float *vector, size_t n);

/* Divides by the length. false: that has not made it 1, the vector has no direction to speak of, or is not finite. */
bool cli_to_length_one(float *vector, size_t n);

#endif
