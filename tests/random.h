/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers that are the same in each run. */
#ifndef VIT_TEST_RANDOM_H
#define VIT_TEST_RANDOM_H

#include <stdint.h>

/* Marsaglia's xorshift: *state is never 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
