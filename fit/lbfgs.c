/* SPDX-License-Identifier: BSD-2-Clause */
#include "descent.h"

#include <lbfgs.h>
#include <string.h>

#include "error.h"
#include "library.h"

#define CORRECTIONS 10 /* pairs of steps and gradients that are kept, as scipy's */

static struct {
    __typeof__(&lbfgs) run;
    __typeof__(&lbfgs_parameter_init) defaults;
} functions;

static const vit__library_function names[] = {
    {"lbfgs", &functions.run},
    {"lbfgs_parameter_init", &functions.defaults},
};

static vit__library library = {.file = VIT_LBFGS_FILE, .functions = names, .n = sizeof names / sizeof *names};

/* The numbers that fill the room up stay 0. */
static lbfgsfloatval_t evaluate(void *context, const lbfgsfloatval_t *x, lbfgsfloatval_t *gradient, const int n,
                                const lbfgsfloatval_t step)
{
    const vit__descent *descent = context;
    (void)step;
    memset(gradient + descent->n, 0, ((size_t)n - descent->n) * sizeof *gradient);
    return descent->evaluate(descent->context, x, gradient);
}

static int iterated(void *context, const lbfgsfloatval_t *x, const lbfgsfloatval_t *gradient,
                    const lbfgsfloatval_t value, const lbfgsfloatval_t x_length, const lbfgsfloatval_t gradient_length,
                    const lbfgsfloatval_t step, int n, int iteration, int evaluations)
{
    const vit__descent *descent = context;
    (void)x, (void)x_length, (void)gradient_length, (void)step, (void)n, (void)iteration, (void)evaluations;
    return descent->step(descent->context, value, gradient) ? LBFGSERR_CANCELED : 0; /* which lbfgs then answers */
}

vit_status vit__descend(const vit__descent *descent, double *x, vit__descent_end *end, vit_error *err)
{
    lbfgs_parameter_t parameters;
    if (!vit__library_load(&library))
        return vit__fail(err, VIT_ERR_UNAVAILABLE, VIT_LBFGS_FILE,
                         "fitting needs liblbfgs, which cannot be loaded (%s); Debian's package is liblbfgs0",
                         library.why);
    functions.defaults(&parameters);
    parameters.m = CORRECTIONS;
    parameters.epsilon = 0; /* step decides */
    parameters.max_iterations = (int)descent->most_iterations;
    vit__descent copy = *descent;
    memset(x + descent->n, 0, (vit__descent_room(descent->n) - descent->n) * sizeof *x);
    int status = functions.run((int)vit__descent_room(descent->n), x, NULL, evaluate, iterated, &copy, &parameters);
    if (status == LBFGSERR_OUTOFMEMORY)
        return vit__fail_memory(err, "liblbfgs");
    *end = status == LBFGSERR_CANCELED           ? VIT__DESCENT_STEP
           : status == LBFGSERR_MAXIMUMITERATION ? VIT__DESCENT_ITERATIONS
                                                 : VIT__DESCENT_FLOOR;
    return VIT_OK;
}
