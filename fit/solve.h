/* SPDX-License-Identifier: BSD-2-Clause */
/* One fit: from a start down to where the gradient is small enough. */
#ifndef VIT_SOLVE_H
#define VIT_SOLVE_H

#include "objective.h"

/* The optimum at C = c, from layer as it stands (its weight and bias), into layer. options: who watches. */
vit_status vit__solve(vit__objective *objective, double c, const vit_fit_options *options,
                      const vit_fit_progress *progress, vit_fit_layer *layer, vit_error *err);

/* A layer of zeros for these rows. */
vit_status vit__layer_make(const vit_fit_rows *rows, vit_fit_layer *layer, vit_error *err);

/* rows and options, as every public function checks them. Every class must have rows. */
vit_status vit__fit_check(const vit_fit_rows *rows, const vit_fit_options *options, const char *function,
                          vit_error *err);

#endif
