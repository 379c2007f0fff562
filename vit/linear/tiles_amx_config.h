/* SPDX-License-Identifier: BSD-2-Clause */
/* The shapes of the eight registers of a matrix unit. */
#ifndef VIT_TILES_AMX_CONFIG_H
#define VIT_TILES_AMX_CONFIG_H

#include <stdint.h>

#define TILE_ROWS_MOST 16
#define TILE_BYTES_MOST 64 /* of a row */

/* As LDTILECFG reads it. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16]; /* of tiles 0 to 7; the others are 0 */
    uint8_t rows[16];
} tile_config;

_Static_assert(sizeof(tile_config) == 64, "what the instruction reads");

#endif
