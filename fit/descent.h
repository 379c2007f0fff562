/* SPDX-License-Identifier: BSD-2-Clause */
/* liblbfgs (Liu and Nocedal 1989, with More and Thuente's line search), loaded when it is first wanted. */
#ifndef VIT_DESCENT_H
#define VIT_DESCENT_H

#include <stddef.h>

#include "vit/error.h"

/* A function to be minimised, and who is told about it. */
typedef struct vit__descent {
    double (*evaluate)(void *context, const double *x, double *gradient);
    /* After each iteration: f, and its gradient. Not 0: it is enough. */
    int (*step)(void *context, double value, const double *gradient);
    void *context;
    size_t n;
    size_t most_iterations;
} vit__descent;

/* Why it ended. */
typedef enum vit__descent_end {
    VIT__DESCENT_STEP,       /* step said so */
    VIT__DESCENT_ITERATIONS, /* most_iterations were done */
    VIT__DESCENT_FLOOR       /* no lower point was found: the arithmetic gives no more */
} vit__descent_end;

/* From x[n] to a lower x[n]. x is aligned to 64 bytes, with room for vit__descent_room(n) numbers. */
vit_status vit__descend(const vit__descent *descent, double *x, vit__descent_end *end, vit_error *err);

/* n, up to a multiple of 16: liblbfgs works on whole vectors of the processor. */
static inline size_t vit__descent_room(size_t n)
{
    return (n + 15) / 16 * 16;
}

#endif
