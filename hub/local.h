/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a checkpoint is in the cache, without a network. */
#ifndef VIT_LOCAL_H
#define VIT_LOCAL_H

#include "cache.h"
#include "settings.h"

/* The snapshot that the name means, if its weights and its configuration are there: see vit_hub_find. */
vit_status vit__local_find(const vit__settings *settings, vit_hub_snapshot **snapshot, vit_error *err);

/* *right: does the open file have this digest and so many bytes? Reads the whole file, from its start. */
vit_status vit__is_content(int file, const char *digest, uint64_t size, bool *right, vit_error *err);

#endif
