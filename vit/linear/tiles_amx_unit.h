/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of a matrix unit that the loops of tiles_amx_body.h are made of. tiles_amx_in_c.h has the same
 * names in plain C. A register ("tile") is a number from 0 to 7 that is written out: the compiler puts it into the
 * instruction.
 */
#ifndef VIT_TILES_AMX_UNIT_H
#define VIT_TILES_AMX_UNIT_H

#include <immintrin.h>

#include "tiles_amx_config.h"

/* To the compiler: memory is read here. GCC does not know that the instructions which load registers do so. */
static inline void tile_memory_is_read(void)
{
    __asm__ volatile("" ::: "memory");
}

static inline void tile_configure(const tile_config *config)
{
    tile_memory_is_read();
    _tile_loadconfig(config);
}

#define tile_release() _tile_release()
#define tile_zero(tile) _tile_zero(tile)
/* Rows of the tile, stride bytes apart in memory. */
#define tile_load(tile, from, stride) _tile_loadd(tile, from, stride)
/* The same, with a hint: what is read need not push other data out of the first-level cache. */
#define tile_load_passing(tile, from, stride) _tile_stream_loadd(tile, from, stride)
#define tile_store(tile, to, stride) _tile_stored(tile, to, stride)
/* sums[m][n] += sum over k of rows[m][k] * weights[k][n], k being words of two bfloat16 or of four bytes. */
#define tile_multiply_bf16(sums, rows, weights) _tile_dpbf16ps(sums, rows, weights)
#define tile_multiply_int8(sums, rows, weights) _tile_dpbusd(sums, rows, weights)
/* The line will be written soon. */
#define tile_expect_store(line) __builtin_prefetch(line, 1, 3)

#endif
