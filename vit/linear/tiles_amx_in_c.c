/* SPDX-License-Identifier: BSD-2-Clause */
/* The loops of AMX, and its bits, on any processor: for tests (VIT_CPU=amx). */
#include "tiles_amx_in_c.h"

#define TILES_TABLE vit__tiles_amx_in_c
#define TILES_NAME "amx_in_c"
#include "tiles_amx_body.h"
