/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fit minimises, and its gradient, in double precision:
 *
 *     f(W, b) = (sum_i s_i (-log softmax(W (x_i - mean) + b)[class_i]) + |W|^2 / (2 C)) / (sum_i s_i)
 *
 * The division makes the stop rule one number for all sizes. The features are centred: the optimum is the same, since b
 * is free, and features with an offset (CLIP's have one) take 84 evaluations where they took over 2,000.
 */
#ifndef VIT_OBJECTIVE_H
#define VIT_OBJECTIVE_H

#include "pool.h"
#include "vit/fit.h"

typedef struct vit__objective vit__objective;

/* rows are checked, and every class has some. They must outlive the objective, as the pool must. */
vit_status vit__objective_create(const vit_fit_rows *rows, int balanced, vit__pool *pool, vit__objective **objective,
                                 vit_error *err);
void vit__objective_free(vit__objective *objective);

void vit__objective_set_c(vit__objective *objective, double c);

/* sum_i s_i */
double vit__objective_weight(const vit__objective *objective);

/* f at x = W [K][D], then b [K]; gradient[K * D + K] likewise. */
double vit__objective_evaluate(vit__objective *objective, const double *x, double *gradient);

/* Between x and a layer: b of the layer is that of x, less W mean. Layer and x may share no memory. */
void vit__objective_to_layer(const vit__objective *objective, const double *x, vit_fit_layer *layer);
void vit__objective_from_layer(const vit__objective *objective, const vit_fit_layer *layer, double *x);

#endif
