/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VIT_TRY_MODEL_H
#define VIT_TRY_MODEL_H

#include <stdbool.h>

#include "vit/vit.h"

/* A model that may be damaged. NULL: it does not open, and *why, unless that is NULL, is the reason. Aborts where a
 * promise of the interface is broken, such as an error without a status or a model without a description. */
vit_model *try_open(const char *path, const vit_model_options *options, vit_status *why);

/* Opens both towers of a checkpoint that may be damaged. A model that opens encodes, or says why it cannot; aborts
 * where a promise of the interface is broken. */
void try_model(const char *path);

/* The same of the scratch folder, and where its config and its tensors disagree, once more with tensors that fit
 * (fit_weights.h). Answers whether its weights are now such ones. */
bool try_folder(void);

#endif
