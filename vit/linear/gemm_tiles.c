/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear layers by our own tiles, in every precision. Weights are packed once. A call has two steps, each on all
 * threads: activations are normed and become rows of the type that is multiplied (f32 without a norm are read
 * where they lie), then the product is cut into blocks of rows by panels of weights. Within a block, the sums of
 * a group of rows are finished while they are in the first-level cache, and the panel stays in the second.
 *
 * A sum runs over K in the same order wherever its row and column lie in a block (tiles.h), and over parts of K that
 * depend on K alone. So blocks may follow the number of rows and threads freely, and results depend on neither.
 */
#include <stdlib.h>

#include "error.h"
#include "gemm.h"
#include "memory.h"
#include "panel.h"
#include "size.h"
#include "trusted.h"

#define BLOCK_ROWS 204 /* most rows of a block; a multiple of the tile's */
/* Of a matrix unit: the same, and most bytes of them, which stay in the second-level cache from panel to panel. */
#define UNIT_BLOCK_ROWS 416
#define UNIT_BLOCK_BYTES (1536 * 1024)
#define UNIT_ROWS 32 /* rows that it works on together */
/* Most words of a sum between stops: a panel of them fits the second-level cache beside the rows. */
#define PART_WORDS 1024
#define GROUP_ROWS 24  /* rows whose sums are finished together */
#define CONVERT_ROWS 8 /* rows a task converts */

typedef struct packing {
    const vit__linear *linear;
    vit__packed *packed;
    const vit__kernels *kernels;
    uint32_t *stripes; /* [threads][vit__packed_stripe] */
} packing;

/* One panel, from the parts that its outputs are in. */
static void pack_panel(void *context, size_t panel, unsigned thread)
{
    const packing *p = context;
    size_t from = panel * VIT__PANEL, to = from + VIT__PANEL;
    for (size_t i = 0, row = 0; i < p->linear->n_parts; row += p->linear->parts[i++].rows) {
        const vit__linear_part *part = &p->linear->parts[i];
        size_t first = row > from ? row : from, end = row + part->rows < to ? row + part->rows : to;
        if (first >= end)
            continue;
        vit__packed_rows rows = {first, end - first, part->weight + (first - row) * p->linear->inputs,
                                 part->bias ? part->bias + (first - row) : NULL};
        vit__packed_fill(p->packed, p->kernels, &rows, p->stripes + thread * vit__packed_stripe(p->packed));
    }
}

static vit_status prepare(vit__linear *linear, vit__pool *pool, vit_error *err)
{
    linear->precision = vit__packed_precision(linear->precision, linear->inputs);
    packing p = {.linear = linear, .kernels = vit__kernels_get(vit__trusted_flags(false))};
    vit_status status = vit__packed_create(linear->precision, linear->inputs, linear->outputs, &p.packed, err);
    if (status != VIT_OK)
        return status;
    p.stripes = vit__alloc(vit__packed_stripe(p.packed), vit__pool_threads(pool) * sizeof *p.stripes);
    if (!p.stripes) {
        vit__packed_free(p.packed);
        return vit__fail_memory(err, NULL);
    }
    vit__pool_run(pool, p.packed->n_panels, pack_panel, &p);
    free(p.stripes);
    linear->packed = p.packed;
    return VIT_OK;
}

static void release(vit__linear *linear)
{
    vit__packed_free(linear->packed);
    linear->packed = NULL;
}

static const vit__packed *panels(const vit__linear *linear)
{
    return linear->packed;
}

/* ------------------------------------------------------------------ activations ---- */

/* Words from a row of the operand to the next: whole cache lines, and no power of
 * two, so that the rows of a tile do not compete for the same places of the cache. */
static size_t operand_stride(vit_precision precision, size_t inputs)
{
    return vit__divide_up(vit__words(precision, inputs), 16) * 16 + 16;
}

/* A row, and its vit__byte_scale: these follow all rows. */
static size_t operand(const vit__linear *linear)
{
    return operand_stride(linear->precision, linear->inputs) + sizeof(vit__byte_scale) / sizeof(float);
}

typedef struct work {
    const vit__gemm_call *call;
    const vit__workers *workers;
    const vit__packed *packed;
    vit__panel_call panels;
    const vit__multiplier *multiplier;
    const uint32_t *a; /* [rows][words] */
    size_t a_stride;
    vit__byte_scale *byte_scales; /* int8: of each row */
    size_t rows;
    size_t first_panel, n_panels, outputs; /* outputs: the first that is not computed */
    size_t block_rows, row_blocks;
    bool rows_outermost; /* all panels by a block of rows, then all by the next; else a panel by all rows */
    size_t parts;        /* of a sum */
} work;

static bool is_normed(const vit__gemm_call *call)
{
    return call->norm && call->norm->weight;
}

static void convert_rows(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    size_t last = (index + 1) * CONVERT_ROWS < w->rows ? (index + 1) * CONVERT_ROWS : w->rows;
    for (size_t row = index * CONVERT_ROWS; row < last; row++)
        vit__panel_take_row(&w->panels, row, w->workers->scratch + thread * w->workers->scratch_size,
                            (uint32_t *)w->workers->operand + row * w->a_stride, &w->byte_scales[row]);
}

/* Points the work at its activations, normed and converted where need be. */
static void take_rows(work *w)
{
    const vit__gemm_call *call = w->call;
    if (w->packed->precision == VIT_PRECISION_F32 && !is_normed(call)) {
        w->a = (const uint32_t *)call->x;
        w->a_stride = call->x_row;
        return;
    }
    w->a = (const uint32_t *)w->workers->operand;
    w->a_stride = operand_stride(w->packed->precision, w->packed->inputs);
    w->byte_scales = (vit__byte_scale *)(w->workers->operand + w->rows * w->a_stride);
    vit__pool_run(w->workers->pool, vit__divide_up(w->rows, CONVERT_ROWS), convert_rows, w);
}

/* ------------------------------------------------------------------ products ---- */

/* Rows by a panel of weights, and room for their sums. */
typedef struct block {
    size_t row, rows;
    size_t panel;
    float *sums; /* [rows of a group][VIT__PANEL] */
} block;

/* sums of some rows of the block. On the way, the group fetches
 * its share of the panel's part that is multiplied next. */
static void multiply_group(const work *w, const block *b, size_t row, size_t rows)
{
    const vit__packed *p = w->packed;
    size_t part = vit__divide_up(p->words, w->parts), all = p->n_panels * p->words;
    for (size_t word = 0; word < p->words; word += part) {
        size_t words = vit__smaller(p->words - word, part), at = b->panel * p->words + word;
        vit__tile_call tile = {.a = w->a + row * w->a_stride + word,
                               .a_stride = w->a_stride,
                               .panel = p->panels + at * VIT__PANEL,
                               .rows = rows,
                               .words = words,
                               .out = b->sums,
                               .out_stride = VIT__PANEL,
                               .add = word > 0};
        size_t next = at + words + words * (row - b->row) / b->rows;
        if (next < all) {
            tile.next = (const char *)(p->panels + next * VIT__PANEL);
            tile.next_bytes = vit__smaller(vit__divide_up(words * rows, b->rows), all - next) * VIT__PANEL *
                              sizeof(uint32_t);
        }
        w->multiplier->multiply(&tile);
    }
}

/* Columns of a panel that are wanted. */
static size_t columns_of(const work *w, size_t panel)
{
    return vit__smaller(w->outputs - panel * VIT__PANEL, VIT__PANEL);
}

/* Sums that are made in parts are finished when all parts of all rows are done, so that each part stays in cache. */
static void multiply_groups(const work *w, const block *b)
{
    size_t group = w->parts > 1 ? b->rows : GROUP_ROWS, end = b->row + b->rows;
    for (size_t row = b->row, rows; row < end; row += rows) {
        rows = vit__smaller(end - row, group);
        multiply_group(w, b, row, rows);
        vit__panel_sums sums = {.panel = b->panel,
                                .row = row,
                                .rows = rows,
                                .width = VIT__PANEL,
                                .columns = columns_of(w, b->panel),
                                .sums = b->sums,
                                .byte_scales = w->byte_scales};
        vit__panel_finish(&w->panels, &sums);
    }
}

typedef struct handed_block {
    const work *work;
    const block *block;
} handed_block;

/* Sums that a multiplier hands out while it makes others. */
static void take_sums(const void *context, const vit__tile_sums *handed)
{
    const handed_block *h = context;
    const work *w = h->work;
    vit__panel_sums sums = {.panel = h->block->panel,
                            .row = h->block->row + handed->row,
                            .rows = handed->rows,
                            .column = handed->column,
                            .width = VIT__HANDED,
                            .columns = vit__smaller(columns_of(w, h->block->panel) - handed->column, VIT__HANDED),
                            .sums = handed->sums,
                            .byte_scales = w->byte_scales};
    vit__panel_finish(&w->panels, &sums);
}

static void multiply_whole(const work *w, const block *b)
{
    const vit__packed *p = w->packed;
    const handed_block handed = {w, b};
    const uint32_t *panel = p->panels + b->panel * p->words * VIT__PANEL;
    vit__tile_call tile = {.a = w->a + b->row * w->a_stride,
                           .a_stride = w->a_stride,
                           .panel = panel,
                           .rows = b->rows,
                           .words = p->words,
                           .columns = columns_of(w, b->panel),
                           .out = b->sums,
                           .out_stride = VIT__PANEL,
                           .take = take_sums,
                           .context = &handed};
    if (b->panel + 1 < p->n_panels) {
        tile.next = (const char *)(panel + p->words * VIT__PANEL);
        tile.next_bytes = p->words * VIT__PANEL * sizeof *panel;
    }
    w->multiplier->multiply(&tile);
    vit__tiles_leave(&w->workers->tiles);
}

/* Neighbours share a panel, or rows. */
static void multiply_block(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    size_t first = (w->rows_outermost ? index / w->n_panels : index % w->row_blocks) * w->block_rows;
    block b = {.row = first,
               .rows = vit__smaller(w->rows - first, w->block_rows),
               .panel = w->first_panel + (w->rows_outermost ? index % w->n_panels : index / w->row_blocks),
               .sums = w->workers->scratch + thread * w->workers->scratch_size};
    (w->multiplier->hands_out ? multiply_whole : multiply_groups)(w, &b);
}

/* A block's sums; a row that is normed before it is converted. */
static size_t scratch(const vit__linear *linear, size_t rows)
{
    (void)rows;
    return vit__larger(linear->inputs, UNIT_BLOCK_ROWS * VIT__PANEL);
}

/* Most rows of a block, and of what they are a multiple. */
static size_t most_rows(const work *w, size_t *unit)
{
    size_t fitting = UNIT_BLOCK_BYTES / (w->packed->words * sizeof(uint32_t)) / UNIT_ROWS * UNIT_ROWS;
    *unit = w->multiplier->hands_out ? UNIT_ROWS : VIT__TILE_ROWS;
    return w->multiplier->hands_out ? vit__smaller(UNIT_BLOCK_ROWS, vit__larger(fitting, UNIT_ROWS)) : BLOCK_ROWS;
}

/* The cut with the least work for the busiest thread, counting for every
 * block as much as PANEL_COST rows for what is not shared between blocks. */
static void cut(work *w)
{
    enum { PANEL_COST = 4 };
    size_t threads = vit__pool_threads(w->workers->pool), best = SIZE_MAX, unit, most = most_rows(w, &unit);
    for (size_t blocks = vit__divide_up(w->rows, most); blocks <= w->rows; blocks *= 2) {
        size_t rows = vit__round_up(vit__divide_up(w->rows, blocks), unit);
        size_t row_blocks = vit__divide_up(w->rows, rows);
        size_t cost = vit__divide_up(row_blocks * w->n_panels, threads) * (rows + PANEL_COST);
        if (cost < best) {
            best = cost;
            w->block_rows = rows;
            w->row_blocks = row_blocks;
        }
        if (rows == unit)
            break;
    }
    w->rows_outermost = w->multiplier->hands_out && w->rows * w->packed->words * sizeof(uint32_t) > UNIT_BLOCK_BYTES;
}

static void apply(const vit__gemm_call *call, const vit__workers *workers)
{
    work w = {.call = call, .workers = workers, .packed = call->linear->packed, .rows = call->rows};
    if (w.rows == 0)
        return;
    w.panels = (vit__panel_call){call, w.packed, workers->kernels};
    w.multiplier = vit__panel_multiplier(&workers->tiles, w.packed->precision);
    w.first_panel = call->first_output / VIT__PANEL;
    w.outputs = call->n_outputs ? call->first_output + call->n_outputs : w.packed->outputs;
    w.n_panels = vit__divide_up(w.outputs, VIT__PANEL) - w.first_panel;
    w.parts = vit__divide_up(w.packed->words, PART_WORDS);
    take_rows(&w);
    cut(&w);
    vit__pool_run(workers->pool, w.n_panels * w.row_blocks, multiply_block, &w);
}

const vit__gemm *vit__gemm_tiles(void)
{
    static const vit__gemm back_end = {.name = "tiles",
                                       .tiles = true,
                                       .prepare = prepare,
                                       .release = release,
                                       .panels = panels,
                                       .operand = operand,
                                       .scratch = scratch,
                                       .apply = apply};
    return &back_end;
}
