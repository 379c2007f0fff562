/* SPDX-License-Identifier: BSD-2-Clause */
/* The weight files of one checkpoint, mapped and validated: one file, or the shards that an index lists. */
#ifndef VIT_SHARDS_H
#define VIT_SHARDS_H

#include "mapped_file.h"
#include "safetensors.h"

typedef struct vit__shard {
    char *path;
    vit__mapped_file file;
    vit__safetensors content;
    size_t n_renamed; /* of its tensors, the first: their names are memory of the shard's */
} vit__shard;

/* Maps one file and checks it; takes over path, which may be NULL: out of memory. Closed on failure too. */
vit_status vit__shard_open(char *path, vit__shard *shard, vit_error *err);
void vit__shard_close(vit__shard *shard);

typedef struct vit__shards {
    vit__shard *shards; /* sorted by name */
    size_t n_shards;
} vit__shards;

/* path: a safetensors file, a file of torch.save, or an index (its name ends in ".index.json") whose shards
 * stand beside it. Each tensor that an index names must be in the shard that the index says;
 * shards have plain file names. Shards may hold more tensors: the index decides, and
 * tensors that it does not name are left out. On failure *shards is all zero. */
vit_status vit__shards_open(const char *path, vit__shards *shards, vit_error *err);
void vit__shards_free(vit__shards *shards);

#endif
