/* SPDX-License-Identifier: BSD-2-Clause */
/* What turns one word into ids. A model begins with this struct, and is reached through it. */
#ifndef VIT_TEXT_MODEL_H
#define VIT_TEXT_MODEL_H

#include "ids.h"

typedef struct vit__text_model vit__text_model;
struct vit__text_model {
    /* Appends the word's ids; sets ids->failed when out of memory. The model is not changed. */
    void (*encode)(const vit__text_model *model, const char *word, size_t size, vit__ids *ids);
    void (*free)(vit__text_model *model);
};

#endif
