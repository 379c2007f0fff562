/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The innermost loops of every matrix product: rows of activations times one panel of packed weights. Both sides are
 * made of 32-bit words, each holding one float, two bfloat16 or four 8-bit integers that follow each other along the
 * sum; so one layout and one loop serve every precision, and only the multiply instruction differs.
 *
 * A sum runs over the words in order, by itself, whatever rows stand beside it: an output's bits depend on its own row
 * and column alone. f32 and bf16 sums differ between instruction sets in their last bits (fused or separate rounding);
 * int8 sums are exact everywhere.
 */
#ifndef VIT_TILES_H
#define VIT_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define VIT__PANEL 64    /* columns of a panel of weights */
#define VIT__TILE_ROWS 6 /* rows worked on together */

/* out[row][column] = (or +=) sum over words of a[row][word] * panel[word][column] */
typedef struct vit__tile_call {
    const void *a; /* [rows][words], rows a_stride words apart */
    size_t a_stride;
    const void *panel; /* [words][VIT__PANEL] */
    size_t rows, words;
    size_t columns; /* how many of the panel's, from its first on; others may be computed too. 0: all */
    void *out;      /* [rows][VIT__PANEL] float, or int32_t for int8; rows out_stride apart */
    size_t out_stride;
    bool add;         /* to what is in out */
    const char *next; /* what will be read next, fetched into the cache on the way; NULL: nothing */
    size_t next_bytes;
} vit__tile_call;

typedef struct vit__tiles {
    const char *f32_name, *bf16_name, *int8_name; /* the instructions that multiply */
    void (*f32)(const vit__tile_call *call);
    void (*bf16)(const vit__tile_call *call);
    void (*int8)(const vit__tile_call *call); /* a unsigned, panel signed */
} vit__tiles;

/* The fastest that these flags of cpu.h allow. */
vit__tiles vit__tiles_get(unsigned flags);

#endif
