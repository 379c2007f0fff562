/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files of a repository are fetched: those that vit reads, and those that the caller asks for. Files are chosen
 * in the repository's own folder, and, in a repository of sentence-transformers (it has modules.json), in the folders
 * of its modules, which are numbered: 0_CLIPModel, 1_Pooling, 2_Dense. In each of these folders weights are chosen
 * anew: those of torch.save (pytorch_model.bin) only where the folder has no safetensors. */
#ifndef VIT_PLAN_H
#define VIT_PLAN_H

#include "buffer.h"
#include "listing.h"
#include "vit/hub.h"

#define VIT__PLAN_CONFIG "config.json"
#define VIT__PLAN_OPEN_CLIP_CONFIG "open_clip_config.json"
#define VIT__PLAN_MODULES "modules.json"

/* chosen[i]: the i-th file of the listing is fetched. Of an index the shards are those of the usual names; others that
 * the index names are added when the index is there (vit__plan_shards). In a twofold repository no weights of its own
 * folder are chosen before config.json is there (vit__plan_twofold).
 * VIT_ERR_UNSUPPORTED_MODEL: weights are only in files that vit does not read. VIT_ERR_NOT_FOUND: no weights at all.
 * endpoint and id: for messages. */
vit_status vit__plan_choose(const vit__listing *listing, const vit_hub_options *options, const char *endpoint,
                            const char *id, bool *chosen, vit_error *err);

/* The same without the errors: does the listing have the weights of a model? */
bool vit__plan_mark(const vit__listing *listing, const vit_hub_options *options, bool *chosen);

/* Does the repository hold a model in two layouts, that of transformers and that of open_clip? Then config.json decides
 * which weights are read (vit/checkpoint/layout.c): open_clip's, if it asks for Python code of its own. */
bool vit__plan_is_twofold(const vit__listing *listing);
/* Chooses the weights of a twofold repository by the text of its config.json. Of an empty text: those of
 * transformers. */
void vit__plan_twofold(const vit__listing *listing, const vit__buffer *config, bool *chosen);

/* Are there weights in the folder ("2_Dense") of a module? */
bool vit__plan_has_weights(const vit__listing *listing, const char *folder);

/* Is this the name of an index of shards, whatever its folder? */
bool vit__plan_is_index(const char *name);

/* Chooses the files that the text of the index names. They stand in the folder of the index.
 * VIT_ERR_CORRUPT: the index names one that is not listed. */
vit_status vit__plan_shards(const vit__listing *listing, const char *index, const vit__buffer *text, bool *chosen,
                            vit_error *err);

/* Calls `take` with the name of each shard, with the folder of the index before it, that the text of the index names,
 * some of them several times, until `take` answers anything but VIT_OK. */
vit_status vit__index_shards(const char *index, const vit__buffer *text,
                             vit_status (*take)(void *data, const char *name), void *data, vit_error *err);

#endif
