/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights of patches as colours over the picture that the model saw. */
#ifndef CLI_HEAT_MAP_H
#define CLI_HEAT_MAP_H

#include <stddef.h>

#include "vit/vit.h"

typedef struct cli_heat_map {
    const vit_image *picture; /* as the model saw it */
    vit_grid grid;
    size_t n;             /* maps */
    const float *weights; /* [n][rows][columns] */
} cli_heat_map;

/* The maps side by side, each from its own smallest weight (dark) to its largest (bright), over the picture, which is
 * enlarged where it is small. The caller frees *sheet with vit_image_free. */
vit_status cli_heat_map_draw(const cli_heat_map *map, vit_image *sheet, vit_error *err);

#endif
