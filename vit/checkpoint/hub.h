/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds a hub id ("org/name") in the local cache of huggingface_hub. Nothing is downloaded. */
#ifndef VIT_HUB_H
#define VIT_HUB_H

#include "vit/vit.h"

/* Is this text a hub id: one slash, each side letters, digits, '-', '_', '.', not starting with a '.'? */
int vit__hub_is_id(const char *text);

/* *folder = the snapshot's folder, which the caller frees. VIT_ERR_NOT_FOUND
 * says which places were looked at and how to get the model there. */
vit_status vit__hub_find(const char *id, char **folder, vit_error *err);

#endif
