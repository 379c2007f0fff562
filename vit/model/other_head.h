/* SPDX-License-Identifier: BSD-2-Clause */
/* A classifier that takes the place of a model's own: one that a caller has (vit_head), or a file of its own, as
 * docs/own-format.md describes it under "format": "vit-head". */
#ifndef VIT_OTHER_HEAD_H
#define VIT_OTHER_HEAD_H

#include "model.h"

/* Can the model have this classifier? function: the name of the public function that was called, for messages. */
vit_status vit__other_head_check(const vit_model *image, const vit_head *head, const char *function, vit_error *err);

/* Puts the classifier in the place of the model's own. The caller keeps its memory. The new layer is not prepared for
 * multiplying, the old one is not released, and the labels stay as they are. */
void vit__other_head_put(vit_model *model, const vit_head *head);

/* Opens model->checkpoint and, where there is a classifier in a file of its own, model->head. path names a model; or a
 * classifier, which names its model in its metadata "base". head: the file of a classifier; NULL: none is given. */
vit_status vit__other_head_open(const char *path, const char *head, vit_model *model, vit_error *err);

/* Gives the loaded model the classifier of model->head, once it is known that this classifier was made for it. */
vit_status vit__other_head_load(vit_model *model, vit_error *err);

#endif
