/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checkpoint as people have it: a folder, one safetensors file, or a hub id in the local cache, opened as one set of
 * named tensors and one configuration. Knows file names and formats, and nothing of networks.
 */
#ifndef VIT_CHECKPOINT_H
#define VIT_CHECKPOINT_H

#include "json.h"
#include "safetensors.h"

typedef struct vit__checkpoint vit__checkpoint;

/* Who wrote the folder, and so where its configuration is and how it is laid out. */
typedef enum vit__checkpoint_kind {
    VIT__CHECKPOINT_TRANSFORMERS, /* config.json with "model_type", preprocessor_config.json */
    VIT__CHECKPOINT_TIMM,         /* config.json with "architecture" */
    VIT__CHECKPOINT_OPEN_CLIP,    /* open_clip_config.json */
    VIT__CHECKPOINT_OWN,          /* one file: config, preprocessing and labels stand in its __metadata__ */
    VIT__CHECKPOINT_PACKED,       /* likewise, of weights as they are multiplied */
    VIT__CHECKPOINT_HEAD /* a classifier alone, whose configuration is its labels; its metadata name the model */
} vit__checkpoint_kind;

/*
 * path: a folder; a .safetensors file (whose config files stand beside it, unless it is self-contained); or a hub id
 * "org/name" or "org/name@revision" in the local Hugging Face cache (base/hub_cache.h). A folder or file of that
 * name wins over a hub id. Weights of a folder, first that is there: model.safetensors, model.safetensors.index.json
 * and its shards, open_clip_model.safetensors (first for an open_clip folder); and where there is none of these,
 * pytorch_model.bin, its index, open_clip_pytorch_model.bin, of which nothing but tensors is read (torch_file.h). An
 * index must name exactly the tensors that its shards hold, each in the shard it says, with plain file names. Every
 * file is mapped and validated here; no tensor is read. Messages say what was looked for.
 */
vit_status vit__checkpoint_open(const char *path, vit__checkpoint **checkpoint, vit_error *err);
void vit__checkpoint_free(vit__checkpoint *checkpoint);

vit__checkpoint_kind vit__checkpoint_kind_of(const vit__checkpoint *checkpoint);
const char *vit__checkpoint_path(const vit__checkpoint *checkpoint);   /* the folder or file it was resolved to */
const char *vit__checkpoint_folder(const vit__checkpoint *checkpoint); /* where its files are */

/* The path of each file that is mapped or was read: the weights by name, then the configuration.
 * NULL past the last. */
const char *vit__checkpoint_file(const vit__checkpoint *checkpoint, size_t index);

/* The configuration: config.json, open_clip_config.json, or
 * "config" (JSON text) of an own file's metadata. Borrowed. */
const vit__json *vit__checkpoint_config(const vit__checkpoint *checkpoint);
const char *vit__checkpoint_config_name(const vit__checkpoint *checkpoint); /* its path, for messages */

/* The config.json of another model, which this one names ("FacebookAI/xlm-roberta-base"), from the local hub cache or a
 * folder of that name beside it. *config is the caller's to free; NULL: it is not there. */
vit_status vit__checkpoint_other_config(const char *name, vit__json **config, vit_error *err);

/* The modules of a folder of sentence-transformers: [{"kind": "Transformer"}, {"kind": "Pooling", "config":
 * {...}}, ...]; the tensors of the N-th are named "modules.N.linear.weight". NULL: it is no such folder. */
const vit__json *vit__checkpoint_modules(const vit__checkpoint *checkpoint);

/* __metadata__[key] of the first weight file; NULL: absent. */
const char *vit__checkpoint_metadata(const vit__checkpoint *checkpoint, const char *key);

/* All tensors of all shards, sorted by name. */
size_t vit__checkpoint_tensors(const vit__checkpoint *checkpoint);
const vit__tensor *vit__checkpoint_tensor(const vit__checkpoint *checkpoint, size_t index);
const vit__tensor *vit__checkpoint_find(const vit__checkpoint *checkpoint, const char *name); /* NULL: there is none */

/* The tensor as f32: a view on the mapped file where it lies there as such, else a converted copy that the checkpoint
 * owns (converted copies' source pages are given back). Valid until vit__checkpoint_free. Fails for integer tensors
 * (VIT_ERR_MODEL_MISMATCH, naming tensor and dtype) and without memory. */
vit_status vit__checkpoint_floats(vit__checkpoint *checkpoint, const vit__tensor *tensor, const float **floats,
                                  vit_error *err);

/* Do these floats lie in a mapped file, and not in a copy? */
bool vit__checkpoint_maps(const vit__checkpoint *checkpoint, const float *floats);

/* The n numbers at floats, from vit__checkpoint_floats or _keep, are not needed any more: a copy is freed, pages of the
 * file go back to the system. (Asking for the tensor again makes a new copy.) */
void vit__checkpoint_let_go(vit__checkpoint *checkpoint, const float *floats, size_t n);

/* Makes the checkpoint the owner of memory from malloc's family: freed with it, or at once on failure. */
vit_status vit__checkpoint_keep(vit__checkpoint *checkpoint, void *memory, vit_error *err);

/* Whether all that was read of its files is what they held when they were opened (mapped_file.h). */
vit_status vit__checkpoint_check(const vit__checkpoint *checkpoint, vit_error *err);

/* SHA-256 of the weights as vit_model_digest describes it (digest.c). */
vit_status vit__checkpoint_digest(const vit__checkpoint *checkpoint, char hex[65], vit_error *err);

#endif
