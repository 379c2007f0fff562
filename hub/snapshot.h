/* SPDX-License-Identifier: BSD-2-Clause */
/* The result of a pull, while it is made. */
#ifndef VIT_SNAPSHOT_H
#define VIT_SNAPSHOT_H

#include <stdbool.h>

#include "settings.h"

/* A snapshot without files. commit may be "". NULL, with *err: out of memory. */
vit_hub_snapshot *vit__snapshot_create(const vit__settings *settings, const char *folder, const char *commit,
                                       vit_error *err);
/* Appends a file; the snapshot gets a copy of the name. false: out of memory. */
bool vit__snapshot_add(vit_hub_snapshot *snapshot, const vit_hub_file *file);

#endif
