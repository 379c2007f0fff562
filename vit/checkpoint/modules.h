/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Folders of sentence-transformers: modules.json names a chain of modules, the first of which is a model (of
 * transformers, or CLIP) in this folder or in one below. The others turn its tokens into one vector.
 */
#ifndef VIT_MODULES_H
#define VIT_MODULES_H

#include "json.h"
#include "shards.h"

/* What a folder's modules.json says; all zero: it has none. */
typedef struct vit__modules {
    char *root;         /* the folder of modules.json */
    vit__json *chain;   /* [{"kind": "Pooling", "path": "1_Pooling", "config": {...}}, ...]; the first is the model */
    vit__shard *shards; /* weights of dense layers, their tensors named "modules.N.linear.weight" */
    size_t n_shards;
} vit__modules;

/* Reads modules.json of the folder, if it is there. *inner = the folder of the first module, which the caller frees;
 * NULL: it is the folder itself. On failure *modules is all zero. */
vit_status vit__modules_find(const char *folder, vit__modules *modules, char **inner, vit_error *err);

/* Maps the weights of the modules behind the first. */
vit_status vit__modules_open(vit__modules *modules, vit_error *err);

void vit__modules_free(vit__modules *modules);

#endif
