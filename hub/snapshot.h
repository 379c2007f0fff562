/* SPDX-License-Identifier: BSD-2-Clause */
/* The result of a pull, while it is made. */
#ifndef VIT_SNAPSHOT_H
#define VIT_SNAPSHOT_H

#include <stdbool.h>

#include "settings.h"

/* NULL, with *err: out of memory. commit may be "". */
vit_hub_snapshot *vit__snapshot_create(const vit__settings *settings, const char *folder, const char *commit,
                                       vit_error *err);
/* The files come in the order of their additions. false: out of memory. */
bool vit__snapshot_add(vit_hub_snapshot *snapshot, const vit_hub_file *file);

#endif
