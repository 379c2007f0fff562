/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files of a repository are fetched: those that vit reads, and those that the caller asks for. */
#ifndef VIT_PLAN_H
#define VIT_PLAN_H

#include "listing.h"
#include "vit/hub.h"

#define VIT__INDEX "model.safetensors.index.json"

/* Files beside the weights, by name or, with a '*', by pattern. Ends with NULL. */
extern const char *const vit__plan_files[];
/* What weights may be in, in the order in which they are looked for. Ends with NULL. */
extern const char *const vit__plan_weights[];

/* chosen[i]: the i-th file of the listing is fetched. Of an index the shards are those of the usual names; others that
 * the index names are added when it is there (vit__plan_shards). VIT_ERR_UNSUPPORTED_MODEL: only pickles are there.
 * VIT_ERR_NOT_FOUND: no weights at all. where: for messages. */
vit_status vit__plan_choose(const vit__listing *listing, const vit_hub_options *options, const char *endpoint,
                            const char *id, bool *chosen, vit_error *err);

/* Chooses the files that the text of an index names. VIT_ERR_CORRUPT: it names one that is not listed. */
vit_status vit__plan_shards(const vit__listing *listing, const char *index, size_t size, bool *chosen, vit_error *err);

/* Calls `take` with the name of each shard that the text of an index names, some of them several times, until it
 * answers anything but VIT_OK. */
vit_status vit__index_shards(const char *index, size_t size, vit_status (*take)(void *data, const char *name),
                             void *data, vit_error *err);

#endif
