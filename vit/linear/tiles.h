/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The innermost loops of every matrix product: rows of activations times one panel of packed weights. Both sides are
 * made of 32-bit words. A word holds one float, two bfloat16 or four 8-bit integers, which follow each other along the
 * sum. So one layout and one loop serve every precision, and only the multiply instruction differs. packed.h has a
 * picture of a panel.
 *
 * A sum runs over the words in their order, and no other row takes part in it: the bits of an output depend on its own
 * row and column alone. Sums of f32 and bf16 differ between instruction sets in their last bits (some round after each
 * multiplication, some only after the addition). Sums of int8 are exact everywhere.
 */
#ifndef VIT_TILES_H
#define VIT_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define VIT__PANEL 64    /* columns of a panel of weights */
#define VIT__TILE_ROWS 6 /* rows worked on together */

/* Sums that are complete: `rows` rows of a call from `row` on, VIT__HANDED columns of the panel from `column` on. */
typedef struct vit__tile_sums {
    size_t row, rows, column;
    void *sums; /* [rows][VIT__HANDED] float, or int32_t for int8; may be overwritten */
} vit__tile_sums;

#define VIT__HANDED 32 /* columns that are handed out together */

typedef void vit__tile_take(const void *context, const vit__tile_sums *sums);

/* out[row][column] = (or +=) sum over words of a[row][word] * panel[word][column] */
typedef struct vit__tile_call {
    const void *a; /* [rows][words], rows a_stride words apart */
    size_t a_stride;
    const void *panel; /* [words][VIT__PANEL] */
    size_t rows, words;
    size_t columns; /* how many columns are wanted, from column 0 on; others may be computed too. 0: all */
    void *out;      /* [rows][VIT__PANEL] float, or int32_t for int8; rows out_stride apart */
    size_t out_stride;
    bool add;         /* true: sums are added to what stands in out */
    const char *next; /* memory that the caller reads next: the loop fetches it into the cache. NULL: nothing */
    size_t next_bytes;
    /* Of multipliers that hand out: takes each row of sums once, in any order, while other sums are made. What is in
     * out then is of no use. NULL: sums go to out. */
    vit__tile_take *take;
    const void *context;
} vit__tile_call;

typedef struct vit__multiplier {
    const char *name; /* the instructions that multiply */
    void (*multiply)(const vit__tile_call *call);
    bool hands_out; /* vit__tile_call.take: all rows and words should come in one call */
    size_t abreast; /* inputs of a batch that a thread takes through each layer together, so that it reads the layer's
                     * weights once for all of them. 0: one */
} vit__multiplier;

typedef struct vit__tiles {
    vit__multiplier f32, bf16, int8; /* int8: a unsigned, panel signed */
    /* What a thread calls after its last product of a task, so that nothing is left in the registers of a matrix unit,
     * which would have to be saved when threads take turns; NULL: nothing. */
    void (*leave)(void);
} vit__tiles;

static inline void vit__tiles_leave(const vit__tiles *tiles)
{
    if (tiles->leave)
        tiles->leave();
}

/* The fastest that these flags of cpu.h allow. With VIT__CPU_AMX this asks Linux for the matrix unit
 * (vit__cpu_permitted). */
vit__tiles vit__tiles_get(unsigned flags);

#endif
