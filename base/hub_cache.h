/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of huggingface_hub on this machine: where it is, and which folder of it a name means. Nothing here touches
 * the network, and nothing is written. A repository of the cache looks like this:
 *
 *     models--ORG--NAME/refs/main                     the 40 digits of a commit
 *     models--ORG--NAME/snapshots/COMMIT/config.json  a link to ../../blobs/ETAG
 */
#ifndef VIT_HUB_CACHE_H
#define VIT_HUB_CACHE_H

#include "hub_id.h"
#include "vit/error.h"

/* The first that is set of $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub, and
 * ~/.cache/huggingface/hub, with "~" and "$NAME" expanded. The caller frees it. NULL: there is no home folder, or no
 * memory (VIT_ERR_OUT_OF_MEMORY). */
vit_status vit__hub_cache_folder(char **folder, vit_error *err);

/* The folder of the file "token": $HF_HOME, $XDG_CACHE_HOME/huggingface, or ~/.cache/huggingface. As above. */
vit_status vit__hub_home(char **folder, vit_error *err);

/* "models--ORG--NAME" of "ORG/NAME", which the caller frees; NULL: out of memory. */
char *vit__hub_repository(const char *id);

/* *folder = the snapshot of this name, which the caller frees. cache: the folder of the cache; NULL:
 * vit__hub_cache_folder. A name without a revision means refs/main; where there is no refs/main, it means the only
 * snapshot. VIT_ERR_NOT_FOUND: the message says where it looked, which snapshots are there, and how to get the model.
 * text: the name as the user gave it, for the message. */
vit_status vit__hub_find(const char *text, const vit__hub_name *name, const char *cache, char **folder, vit_error *err);

#endif
