/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of a classifier's classes, from the configuration of a checkpoint. */
#ifndef VIT_LABELS_H
#define VIT_LABELS_H

#include "json.h"

/* *labels = classes strings, NULL where a class has no name; *labels itself is NULL when no class has one. Read,
 * first that is there, from "id2label" (transformers, own files: index -> name; "LABEL_0" and the like are kept)
 * or "label_names" (timm, also within "pretrained_cfg"; a list, or index -> name), whose names
 * "label_descriptions" puts into words: synset ids become what they mean. A timm model of 1000 classes that names
 * none has ImageNet's, as timm and transformers take it. Free with vit__labels_free. Fails only without memory. */
vit_status vit__labels_load(const vit__json *config, size_t classes, char ***labels, vit_error *err);
void vit__labels_free(char **labels, size_t classes);

#endif
