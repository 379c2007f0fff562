/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole of a vit_config as JSON and back, for packed files (docs/own-format.md). */
#ifndef VIT_CONFIG_JSON_H
#define VIT_CONFIG_JSON_H

#include "config.h"
#include "json_reader.h"

/* Every field that is not zero, under its name in vit_config. NULL: out of memory. */
vit__json *vit__config_json(const vit_config *config);

/* What that wrote, from the reader's object: absent keys are zero, unknown ones an error. */
void vit__config_from_json(vit__reader *reader, vit_config *config);

/* "class", "mean_all", ... as there. */
const char *vit__pooling_name(vit__pooling pooling);

#endif
