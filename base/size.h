/* SPDX-License-Identifier: BSD-2-Clause */
/* Arithmetic of sizes that are known to be far from overflow. */
#ifndef VIT_SIZE_H
#define VIT_SIZE_H

#include <stddef.h>

static inline size_t vit__smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t vit__larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline size_t vit__divide_up(size_t n, size_t by)
{
    return (n + by - 1) / by;
}

static inline size_t vit__round_up(size_t n, size_t to)
{
    return vit__divide_up(n, to) * to;
}

#endif
