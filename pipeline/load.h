/* SPDX-License-Identifier: BSD-2-Clause */
/* One item as the model takes it: a picture's pixels, or a text's token ids. */
#ifndef VIT_LOAD_H
#define VIT_LOAD_H

#include "pipeline_internal.h"

/* As vit_pipeline_load, of arguments that are not NULL. */
vit_status vit__load(const vit_pipeline *pipeline, const vit_item *item, void *row, vit_loaded *loaded, vit_error *err);

#endif
