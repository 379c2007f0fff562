/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_fit_make: the objective goes through L-BFGS until its gradient is small enough. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "descent.h"
#include "error.h"
#include "memory.h"
#include "objective.h"
#include "rows.h"
#include "solve.h"

/* Limits for the gradient's largest component, divided by the sum of the rows' weights. */
#define GRADIENT_DONE 1e-8
#define GRADIENT_AT_FLOOR 1e-4 /* low enough where no lower point is found */
#define MOST_ITERATIONS ((size_t)2000)
#define MOST_STARTS 5 /* from where no lower point was found, with what was learnt of the curvature forgotten */

typedef struct solving {
    vit__objective *objective;
    const vit_fit_options *options;
    vit_fit_progress progress;
    double value;      /* of the point that was reached */
    size_t iterations; /* in all */
    size_t evaluations;
    bool cancelled;
} solving;

static double largest(const double *gradient, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabs(gradient[i]) > most ? fabs(gradient[i]) : most;
    return most;
}

static size_t unknowns(const vit_fit_layer *layer)
{
    return layer->n_classes * layer->width + layer->n_classes;
}

typedef struct watched {
    solving *s;
    size_t n;
} watched;

static double evaluate(void *context, const double *x, double *gradient)
{
    const watched *w = context;
    w->s->evaluations++;
    return vit__objective_evaluate(w->s->objective, x, gradient);
}

static int step(void *context, double value, const double *gradient)
{
    const watched *w = context;
    solving *s = w->s;
    s->value = value;
    s->iterations++;
    s->progress.iterations = s->iterations;
    s->progress.gradient = largest(gradient, w->n);
    s->cancelled = s->options->progress && s->options->progress(s->options->data, &s->progress) != 0;
    return s->cancelled || s->progress.gradient <= GRADIENT_DONE;
}

/* Where no lower point is found but the gradient is not small yet, it begins anew from there, as long as that helps. */
static vit_status descend(solving *s, double *x, size_t n, vit_error *err)
{
    watched w = {s, n};
    vit__descent descent = {.evaluate = evaluate, .step = step, .context = &w, .n = n};
    vit__descent_end end = VIT__DESCENT_FLOOR;
    vit_status status = VIT_OK;
    for (int starts = 0; starts < MOST_STARTS && status == VIT_OK; starts++) {
        size_t before = s->iterations;
        if (s->progress.gradient <= GRADIENT_DONE || s->iterations >= MOST_ITERATIONS)
            break;
        descent.most_iterations = MOST_ITERATIONS - s->iterations;
        status = vit__descend(&descent, x, &end, err);
        if (end != VIT__DESCENT_FLOOR || s->iterations == before)
            break;
    }
    if (status == VIT_OK && s->cancelled)
        return vit__fail(err, VIT_ERR_CANCELLED, NULL, "the fit was ended");
    return status;
}

vit_status vit__solve(vit__objective *objective, double c, const vit_fit_options *options,
                      const vit_fit_progress *progress, vit_fit_layer *layer, vit_error *err)
{
    size_t n = unknowns(layer);
    solving s = {.objective = objective, .options = options, .progress = *progress};
    double *x = vit__alloc_aligned(vit__descent_room(n), sizeof *x),
           *gradient = vit__alloc_aligned(n, sizeof *gradient);
    vit_status status = x && gradient ? VIT_OK : vit__fail_memory(err, NULL);
    if (status == VIT_OK) {
        vit__objective_set_c(objective, c);
        vit__objective_from_layer(objective, layer, x);
        s.progress.c = c;
        s.value = vit__objective_evaluate(objective, x, gradient);
        s.progress.gradient = largest(gradient, n);
        s.evaluations = 1;
        status = descend(&s, x, n, err);
    }
    if (status == VIT_OK) {
        vit__objective_to_layer(objective, x, layer);
        layer->c = c;
        layer->objective = s.value * vit__objective_weight(objective);
        layer->gradient = s.progress.gradient;
        layer->iterations = s.iterations;
        layer->evaluations = s.evaluations;
        layer->converged = s.progress.gradient <= GRADIENT_DONE ||
                           (s.iterations < MOST_ITERATIONS && s.progress.gradient <= GRADIENT_AT_FLOOR);
    }
    free(x);
    free(gradient);
    return status;
}

vit_status vit__layer_make(const vit_fit_rows *rows, vit_fit_layer *layer, vit_error *err)
{
    *layer = (vit_fit_layer){.n_classes = rows->n_classes, .width = rows->width};
    layer->weight = vit__alloc_zero(rows->n_classes * rows->width, sizeof *layer->weight);
    layer->bias = vit__alloc_zero(rows->n_classes, sizeof *layer->bias);
    if (layer->weight && layer->bias)
        return VIT_OK;
    vit_fit_layer_free(layer);
    return vit__fail_memory(err, NULL);
}

void vit_fit_layer_free(vit_fit_layer *layer)
{
    if (!layer)
        return;
    free(layer->weight);
    free(layer->bias);
    *layer = (vit_fit_layer){0};
}

static vit_status check_counts(const vit_fit_rows *rows, const char *function, vit_error *err)
{
    size_t *counts = vit__alloc(rows->n_classes, sizeof *counts), empty = 0;
    if (!counts)
        return vit__fail_memory(err, function);
    vit__rows_count(rows, counts);
    while (empty < rows->n_classes && counts[empty])
        empty++;
    free(counts);
    if (empty < rows->n_classes)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "class %zu has no rows", empty);
    return VIT_OK;
}

vit_status vit__fit_check(const vit_fit_rows *rows, const vit_fit_options *options, const char *function,
                          vit_error *err)
{
    vit_status status = vit__rows_check(rows, function, err);
    if (status == VIT_OK)
        status = VIT__CHECK_RESERVED(err, function, options);
    if (status == VIT_OK && !(options->c >= 0 && options->c <= 1e300))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "C must be above 0");
    return status == VIT_OK ? check_counts(rows, function, err) : status;
}

static vit_status make(const vit_fit_rows *rows, const vit_fit_options *options, vit_fit_layer *layer, vit_error *err)
{
    vit__pool *pool = NULL;
    vit__objective *objective = NULL;
    const vit_fit_progress progress = {.fits = 1};
    vit_status status = vit__pool_create_if_possible(options->threads ? options->threads : vit__cpu_count(), &pool,
                                                     err);
    if (status == VIT_OK)
        status = vit__objective_create(rows, options->balanced, pool, &objective, err);
    if (status == VIT_OK)
        status = vit__solve(objective, options->c > 0 ? options->c : 1, options, &progress, layer, err);
    vit__objective_free(objective);
    vit__pool_free(pool);
    return status;
}

vit_status vit_fit_make(const vit_fit_rows *rows, const vit_fit_options *options, const vit_fit_layer *start,
                        vit_fit_layer *layer, vit_error *err)
{
    static const vit_fit_options defaults = {0};
    if (!layer)
        return vit__fail_null(err, __func__, "layer");
    *layer = (vit_fit_layer){0};
    options = options ? options : &defaults;
    vit_status status = vit__fit_check(rows, options, __func__, err);
    if (status == VIT_OK && start && (start->n_classes != rows->n_classes || start->width != rows->width))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "the start has other sizes than the rows");
    if (status == VIT_OK)
        status = vit__layer_make(rows, layer, err);
    if (status == VIT_OK && start) {
        memcpy(layer->weight, start->weight, rows->n_classes * rows->width * sizeof *start->weight);
        memcpy(layer->bias, start->bias, rows->n_classes * sizeof *start->bias);
    }
    if (status == VIT_OK)
        status = make(rows, options, layer, err);
    if (status != VIT_OK)
        vit_fit_layer_free(layer);
    return status;
}
