/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tiles of a matrix unit, included by tiles_amx.c and tiles_amx_in_c.c, which define the operations and
 *     TILES_TABLE, TILES_NAME    the table to define, and the name of its instructions
 *
 * A block is 32 rows by 32 columns: two registers of rows by two of weights give four of sums (tiles_amx_block.h).
 * A step of a block loads 4 KB for 16 words of each sum, and takes the unit 64 cycles. The first-level cache must
 * give a part of these 4 KB; loads that pass by (tile_load_passing) leave there what is used again.
 *
 * Vector units idle while the matrix unit multiplies. So a block's sums are handed out (vit__tile_call.take) some
 * rows a step of the next block. They lie in two small pieces of memory by turns.
 *
 * Registers have the shape of the rows that are left, so nothing beyond a row is read or written. Rows that fill no
 * block come first, and all others with a second shape. A sum's bits depend on its row and column alone, whatever
 * shape.
 */
#include <string.h>

#include "size.h"
#include "tiles_vector.h"

enum {
    BLOCK_ROWS = 2 * TILE_ROWS_MOST,
    STEP_WORDS = TILE_BYTES_MOST / 4,
    LANES = TILE_BYTES_MOST / 4, /* columns of a register */
    /* Sums of more steps are made in parts, so that a part of the weights stays in the first-level cache. */
    STEPS_MOST = 32,
    PART_STEPS = 16,
    EXPECT_STEPS = 8, /* before the end of a block the lines that its sums will go to are called for */
    LINE = 64
};

_Static_assert(VIT__HANDED == 2 * LANES, "columns of a block");

/* A call. */
typedef struct run {
    const vit__tile_call *call;
    size_t steps, part_steps;           /* whole ones */
    size_t rest;                        /* words behind them */
    uint32_t *rest_rows, *rest_weights; /* [BLOCK_ROWS][STEP_WORDS], [STEP_WORDS][VIT__PANEL]: zeros behind the rest */
    /* What is done beside the products. */
    const char *next; /* where what is read next is fetched from */
    size_t lines;     /* of it, a step */
    char *target;     /* where the block's sums will go: rows of two lines, `stride` bytes apart */
    size_t stride, expected, rows;
    vit__tile_sums handing; /* what is left of the last block's sums */
    size_t handed;          /* rows of them a step */
    float *turns[2]; /* where sums that are handed out lie, [BLOCK_ROWS][VIT__HANDED]: the next block's, the last's */
} run;

/* Part of the sums of a block. */
typedef struct block {
    size_t row, rows, column;
    size_t step, end; /* the part's */
    bool last;        /* part, with the rest */
} block;

/* ------------------------------------------------------------------ shapes ---- */

/* Rows of a block that the registers of this thread are shaped for; 0: none. */
static _Thread_local size_t shaped_rows;

static void shape(size_t rows)
{
    if (rows == shaped_rows)
        return;
    const size_t upper = vit__smaller(rows, TILE_ROWS_MOST), lower = rows - upper;
    /* sums 0 1 of the upper rows, 2 3 of the lower; rows 4 5; weights 6 7 */
    const size_t of[8] = {upper, upper, lower, lower, upper, lower, TILE_ROWS_MOST, TILE_ROWS_MOST};
    tile_config config = {.palette = 1};
    for (size_t i = 0; i < 8; i++) {
        config.rows[i] = (uint8_t)of[i];
        config.row_bytes[i] = of[i] ? TILE_BYTES_MOST : 0;
    }
    tile_configure(&config);
    shaped_rows = rows;
}

static void leave(void)
{
    if (shaped_rows)
        tile_release();
    shaped_rows = 0;
}

/* ------------------------------------------------------------------ beside the products ---- */

static void hand_out(run *r, size_t rows)
{
    vit__tile_sums *left = &r->handing, some = *left;
    some.rows = vit__smaller(rows, left->rows);
    r->call->take(r->call->context, &some);
    left->row += some.rows;
    left->rows -= some.rows;
    left->sums = (float *)left->sums + some.rows * VIT__HANDED;
}

static void expect_stores(run *r)
{
    enum { ROWS = BLOCK_ROWS / EXPECT_STEPS };
    for (size_t i = 0; i < ROWS && r->expected < r->rows; i++, r->expected++) {
        tile_expect_store(r->target + r->expected * r->stride);
        tile_expect_store(r->target + r->expected * r->stride + LINE);
    }
}

/* In each step of a block. A function of its own: what it needs must not take registers from the loop. */
static __attribute__((noinline)) void work_beside(run *r, size_t steps_left)
{
    for (size_t i = 0; i < r->lines; i++, r->next += LINE)
        __builtin_prefetch(r->next, 0, 2);
    if (steps_left <= EXPECT_STEPS)
        expect_stores(r);
    if (r->handing.rows)
        hand_out(r, r->handed);
}

/* After the last step of a block: what is left. */
static void finish_beside(run *r)
{
    if (r->handing.rows)
        hand_out(r, r->handing.rows);
}

/* Sums of a block lie in turns[0]. */
static void begin_to_hand(run *r, const block *b)
{
    r->handing = (vit__tile_sums){b->row, b->rows, b->column, r->turns[0]};
    r->turns[0] = r->turns[1];
    r->turns[1] = r->handing.sums;
}

/* ------------------------------------------------------------------ the two products ---- */

#define TILE_FUNCTION multiply_bf16
#define TILE_MULTIPLY tile_multiply_bf16
#include "tiles_amx_block.h"

#define TILE_FUNCTION multiply_int8
#define TILE_MULTIPLY tile_multiply_int8
#include "tiles_amx_block.h"

const vit__tiles TILES_TABLE = {.bf16 = {TILES_NAME, multiply_bf16, .hands_out = true, .abreast = 2},
                                .int8 = {TILES_NAME, multiply_int8, .hands_out = true, .abreast = 2},
                                .leave = leave};
