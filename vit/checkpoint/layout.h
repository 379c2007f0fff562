/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the parts of a checkpoint stand: which weight file and which configuration of a folder belong together. */
#ifndef VIT_LAYOUT_H
#define VIT_LAYOUT_H

#include "checkpoint.h"
#include "modules.h"

typedef struct vit__layout {
    vit__checkpoint_kind kind;
    char *path;           /* the folder or file it was resolved to */
    char *folder;         /* where its files are: that of the model, in a folder of sentence-transformers */
    vit__modules modules; /* of sentence-transformers */
    char *weights;        /* a safetensors file, or an index of shards */
    char *config_path;
    vit__json *config; /* NULL, as is its path: not read yet, or there is none */
} vit__layout;

/* Fills path, folder and weights; of a folder also kind, config_path and config. path as in vit__checkpoint_open. On
 * failure *layout is all zero. */
vit_status vit__layout_find(const char *path, vit__layout *layout, vit_error *err);
void vit__layout_free(vit__layout *layout);

/* Fills kind, config_path and config for weights that are not self-contained, unless that is done. */
vit_status vit__layout_read_config(vit__layout *layout, vit_error *err);

/* Is it timm's? "timm_wrapper" is the name that transformers gives to all of them. */
bool vit__layout_is_timm(const vit__json *config);

#endif
