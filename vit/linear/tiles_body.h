/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function of a vit__tiles table, included once for each by tiles_*.c, which define
 *     vector, LANES, load, store, broadcast, zero    the instruction set's vector of 32-bit lanes
 *     TILE_FUNCTION                                  the name to define
 *     TILE_STEP(sum, a, w), TILE_ADD(x, y)           multiply a word and add; add
 *     TILE_ROWS, TILE_VECTORS                        the block of sums that fits the registers
 * and where they are of use
 *     TILE_VALUE(row), TILE_WEIGHTS(row)             what to make of words of a row or of the panel before they are
 *                                                    multiplied
 *     TILE_AHEAD                                     how many words ahead of their turn the panel's are fetched
 *     TILE_OFFSET                                    a value: its products with all words are taken off the sums
 *     TILE_LANE_STEP(sum, a, w, lane)                TILE_STEP with one of four words of `a` (tiles_block.h)
 *     TILE_PAIR_STEP(sums, a, w)                     in place of TILE_STEP: products of matrices (tiles_block_pairs.h)
 *
 * TILE_ROWS x TILE_VECTORS sums stay in registers over all words. A word of the panel is loaded once for TILE_ROWS
 * products, a word of a row once for TILE_VECTORS: loads stay well below what two load ports deliver, so the multiply
 * units are what bounds the loop.
 */
#define TILE_COLUMNS (TILE_VECTORS * LANES)

#define TILE_JOIN(a, b) a##_##b
#define TILE_NAME(a, b) TILE_JOIN(a, b)
#define TILE_BLOCK TILE_NAME(TILE_FUNCTION, block)
#define TILE_CHOOSE TILE_NAME(TILE_FUNCTION, choose)
#define TILE_FETCH TILE_NAME(TILE_FUNCTION, fetch)
#define TILE_PLACE TILE_NAME(TILE_FUNCTION, place)
#define TILE_OFFSETS TILE_NAME(TILE_FUNCTION, offsets)

typedef struct TILE_FETCH {
    const char *next; /* where what is read next is fetched from */
    size_t step;      /* bytes a word of the sum */
} TILE_FETCH;

typedef struct TILE_PLACE {
    size_t row, column;
} TILE_PLACE;

#ifndef TILE_VALUE
#define TILE_VALUE(row) (row)
#endif
#ifndef TILE_WEIGHTS
#define TILE_WEIGHTS(row) (row)
#endif

#ifdef TILE_PAIR_STEP
#include "tiles_block_pairs.h"
#else
#include "tiles_block.h"
#endif

ALWAYS_INLINE void TILE_CHOOSE(const vit__tile_call *call, TILE_PLACE place, size_t vectors, TILE_FETCH fetch,
                               const vector *starts)
{
    switch (call->rows - place.row) {
    case 1:
        TILE_BLOCK(call, place, 1, vectors, fetch, starts);
        break;
    case 2:
        TILE_BLOCK(call, place, 2, vectors, fetch, starts);
        break;
    case 3:
        TILE_BLOCK(call, place, 3, vectors, fetch, starts);
        break;
#if TILE_ROWS > 4
    case 4:
        TILE_BLOCK(call, place, 4, vectors, fetch, starts);
        break;
    case 5:
        TILE_BLOCK(call, place, 5, vectors, fetch, starts);
        break;
#endif
    default:
        TILE_BLOCK(call, place, TILE_ROWS, vectors, fetch, starts);
    }
}

#ifdef TILE_OFFSET
/* What the sums of some columns begin with. */
ALWAYS_INLINE void TILE_OFFSETS(const vit__tile_call *call, size_t column, vector offsets[TILE_VECTORS])
{
    const uint32_t *w = (const uint32_t *)call->panel + column;
    for (size_t j = 0; j < TILE_VECTORS; j++) {
        vector sum = zero();
        for (size_t word = 0; word < call->words; word++)
            sum = TILE_STEP(sum, TILE_OFFSET, TILE_WEIGHTS(load(w + word * VIT__PANEL + j * LANES)));
        offsets[j] = subtract_int32(zero(), sum);
    }
}
#endif

static void TILE_FUNCTION(const vit__tile_call *call)
{
    size_t columns = call->columns ? call->columns : VIT__PANEL;
    size_t steps = (call->rows + TILE_ROWS - 1) / TILE_ROWS * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS) *
                   call->words;
    TILE_FETCH fetch = {call->next ? call->next : (const char *)call->panel, 0};
    if (call->next)
        fetch.step = (call->next_bytes + steps - 1) / steps;
    for (size_t column = 0; column < columns; column += TILE_COLUMNS) {
        const vector *starts = NULL;
#ifdef TILE_OFFSET
        vector offsets[TILE_VECTORS];
        TILE_OFFSETS(call, column, offsets);
        starts = offsets;
#endif
        for (size_t row = 0; row < call->rows; row += TILE_ROWS, fetch.next += fetch.step * call->words) {
            TILE_PLACE place = {row, column};
            if (columns - column > LANES)
                TILE_CHOOSE(call, place, TILE_VECTORS, fetch, starts);
            else
                TILE_CHOOSE(call, place, 1, fetch, starts);
        }
    }
}

#undef TILE_COLUMNS
#undef TILE_JOIN
#undef TILE_NAME
#undef TILE_BLOCK
#undef TILE_CHOOSE
#undef TILE_FETCH
#undef TILE_PLACE
#undef TILE_OFFSETS
#undef TILE_OFFSET
#undef TILE_AHEAD
#undef TILE_VALUE
#undef TILE_WEIGHTS
#undef TILE_FUNCTION
#undef TILE_STEP
#undef TILE_ADD
#undef TILE_ROWS
#undef TILE_VECTORS
