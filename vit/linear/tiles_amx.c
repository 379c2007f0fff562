/* SPDX-License-Identifier: BSD-2-Clause */
/* AMX: products of a matrix unit. A process needs Linux's permission before the first of its instructions (cpu.h). */
#include "tiles_amx_unit.h"

#define TILES_TABLE vit__tiles_amx
#define TILES_NAME "amx"
#include "tiles_amx_body.h"
