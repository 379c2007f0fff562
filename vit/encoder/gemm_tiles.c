/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear layers by our own tiles, in every precision. Weights are packed once. A call has two steps, each on all
 * threads: activations become rows of the type that is multiplied (nothing to do for f32), then the product is cut into
 * blocks of rows by slabs of outputs. A block's sums land in the thread's scratch, still in cache for the epilogue.
 *
 * A sum runs over K in the same order wherever its row and column lie in a block (tiles.h), and over parts of K that
 * depend on K alone. So blocks may follow the number of rows and threads freely, and results depend on neither.
 */
#include <stdlib.h>

#include "error.h"
#include "gemm.h"
#include "memory.h"
#include "packed.h"

#define BLOCK_ROWS 204  /* most rows of a block; a multiple of the tile's */
#define SLAB_PANELS 4   /* most panels of a slab */
#define PART_WORDS 1024 /* most words of a sum between stops: a panel of them fits the second-level cache beside the rows */
#define CONVERT_ROWS 8  /* rows a task converts */

static size_t divide_up(size_t n, size_t by)
{
    return (n + by - 1) / by;
}

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
    packing p = {.linear = linear, .kernels = vit__kernels_get(vit__cpu_detect())};
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

/* ------------------------------------------------------------------ activations ---- */

/* Words from a row of the operand to the next: whole cache lines, and no power of two, so that the rows of a tile do not
 * compete for the same places of the cache. */
static size_t operand_stride(vit_precision precision, size_t inputs)
{
    return divide_up(vit__words(precision, inputs), 16) * 16 + 16;
}

/* The rows, then each row's vit__byte_scale. */
static size_t operand(const vit__linear *linear, size_t rows)
{
    if (linear->precision == VIT_PRECISION_F32)
        return 0;
    return rows * (operand_stride(linear->precision, linear->inputs) + sizeof(vit__byte_scale) / sizeof(float));
}

typedef struct work {
    const vit__gemm_call *call;
    const vit__workers *workers;
    const vit__packed *packed;
    const uint32_t *a; /* [rows of all items][words] */
    size_t a_stride;
    vit__byte_scale *byte_scales; /* int8: of each row */
    size_t rows;                  /* of all items */
    size_t first_panel, n_panels, outputs; /* outputs: the first that is not computed */
    size_t block_rows, row_blocks, slab_panels, slabs;
} work;

static const float *input_row(const vit__gemm_call *call, size_t row)
{
    return call->x + row / call->rows * call->x_stride + row % call->rows * call->x_row;
}

static void convert_rows(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    const vit__kernels *kernels = w->workers->kernels;
    size_t inputs = w->packed->inputs, words = w->packed->words;
    (void)thread;
    size_t last = (index + 1) * CONVERT_ROWS < w->rows ? (index + 1) * CONVERT_ROWS : w->rows;
    for (size_t row = index * CONVERT_ROWS; row < last; row++) {
        uint32_t *to = (uint32_t *)w->workers->operand + row * w->a_stride;
        to[words - 1] = 0; /* the last word may have values to spare */
        if (w->packed->precision == VIT_PRECISION_BF16)
            kernels->to_bf16(input_row(w->call, row), inputs, (uint16_t *)to);
        else
            kernels->to_int8(input_row(w->call, row), inputs, (uint8_t *)to, &w->byte_scales[row]);
    }
}

/* Points the work at its activations, converted where need be. */
static void take_rows(work *w)
{
    const vit__gemm_call *call = w->call;
    if (w->packed->precision == VIT_PRECISION_F32) {
        w->a = (const uint32_t *)call->x;
        w->a_stride = call->rows == 1 ? call->x_stride : call->x_row;
        return;
    }
    w->a = (const uint32_t *)w->workers->operand;
    w->a_stride = operand_stride(w->packed->precision, w->packed->inputs);
    w->byte_scales = (vit__byte_scale *)(w->workers->operand + w->rows * w->a_stride);
    vit__pool_run(w->workers->pool, divide_up(w->rows, CONVERT_ROWS), convert_rows, w);
}

/* ------------------------------------------------------------------ products ---- */

/* sums[rows][slab] of one panel */
static void multiply_panel(const work *w, size_t row, size_t rows, size_t panel, void *sums)
{
    const vit__packed *p = w->packed;
    const vit__tiles *tiles = &w->workers->tiles;
    void (*multiply)(const vit__tile_call *) = p->precision == VIT_PRECISION_F32    ? tiles->f32
                                               : p->precision == VIT_PRECISION_BF16 ? tiles->bf16
                                                                                    : tiles->int8;
    size_t part = divide_up(p->words, divide_up(p->words, PART_WORDS));
    const uint32_t *weights = p->panels + panel * p->words * VIT__PANEL;
    for (size_t word = 0; word < p->words; word += part) {
        vit__tile_call tile = {.a = w->a + row * w->a_stride + word, .a_stride = w->a_stride,
                               .panel = weights + word * VIT__PANEL, .rows = rows,
                               .words = p->words - word < part ? p->words - word : part, .out = sums,
                               .out_stride = w->slab_panels * VIT__PANEL, .add = word > 0};
        bool last = panel + 1 == p->n_panels && word + part >= p->words;
        tile.next = last ? NULL : (const char *)((const uint32_t *)tile.panel + tile.words * VIT__PANEL);
        multiply(&tile);
    }
}

/* One row of a block: sums[columns] -> y */
static void finish_row(const work *w, size_t row, size_t output, size_t columns, float *sums)
{
    const vit__gemm_call *call = w->call;
    const vit__epilogue *e = &call->epilogue;
    const vit__packed *p = w->packed;
    size_t item = row / call->rows, item_row = row % call->rows;
    float *y = call->y + item * call->y_stride + item_row * call->y_row + output;
    vit__epilogue_row line = {
        .activation = e->activation,
        .bias = p->bias + output,
        .scale = e->scale ? e->scale + output : NULL,
        .residual = e->residual ? e->residual + item * e->residual_stride + item_row * e->residual_row + output : NULL,
        .rough = p->precision != VIT_PRECISION_F32,
    };
    if (p->precision == VIT_PRECISION_INT8) {
        bool plain = e->activation == VIT__ACTIVATION_NONE && !e->scale && !e->residual;
        vit__byte_columns byte_columns = {p->scales + output, p->sums + output, p->bias + output};
        w->workers->kernels->from_int8((const int32_t *)(const void *)sums, &w->byte_scales[row], &byte_columns, columns,
                                       plain ? y : sums);
        if (plain)
            return;
        line.bias = NULL;
    }
    w->workers->kernels->epilogue(sums, &line, columns, y);
}

/* Slabs outermost: neighbours share its weights. */
static void multiply_block(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    size_t row = index % w->row_blocks * w->block_rows, panel = w->first_panel + index / w->row_blocks * w->slab_panels;
    size_t rows = w->rows - row < w->block_rows ? w->rows - row : w->block_rows;
    size_t output = panel * VIT__PANEL, columns = w->slab_panels * VIT__PANEL;
    float *sums = w->workers->scratch + thread * w->workers->scratch_size;
    for (size_t i = 0; i < w->slab_panels && panel + i < w->first_panel + w->n_panels; i++)
        multiply_panel(w, row, rows, panel + i, sums + i * VIT__PANEL);
    size_t left = w->outputs - output;
    for (size_t i = 0; i < rows; i++)
        finish_row(w, row + i, output, left < columns ? left : columns, sums + i * columns);
}

static size_t scratch(size_t inputs, size_t outputs, size_t rows)
{
    (void)inputs;
    (void)outputs;
    (void)rows;
    return BLOCK_ROWS * SLAB_PANELS * VIT__PANEL;
}

/* The cut with the least work for the busiest thread, counting for every panel of a block as much as PANEL_COST rows for
 * what is not shared between blocks. */
static void cut(work *w)
{
    enum { PANEL_COST = 4 };
    size_t threads = vit__pool_threads(w->workers->pool), best = SIZE_MAX;
    for (size_t blocks = divide_up(w->rows, BLOCK_ROWS); blocks <= w->rows; blocks *= 2) {
        size_t rows = divide_up(divide_up(w->rows, blocks), VIT__TILE_ROWS) * VIT__TILE_ROWS;
        for (size_t panels = SLAB_PANELS; panels > 0; panels--) {
            size_t row_blocks = divide_up(w->rows, rows), slabs = divide_up(w->n_panels, panels);
            size_t cost = divide_up(row_blocks * slabs, threads) * (rows + PANEL_COST) * panels;
            if (cost >= best)
                continue;
            best = cost;
            w->block_rows = rows;
            w->row_blocks = row_blocks;
            w->slab_panels = panels;
            w->slabs = slabs;
        }
        if (rows == VIT__TILE_ROWS)
            break;
    }
}

static void multiply(const vit__gemm_call *call, const vit__workers *workers)
{
    work w = {.call = call, .workers = workers, .packed = call->linear->packed, .rows = call->items * call->rows};
    if (w.rows == 0)
        return;
    w.first_panel = call->first_output / VIT__PANEL;
    w.outputs = call->n_outputs ? call->first_output + call->n_outputs : w.packed->outputs;
    w.n_panels = divide_up(w.outputs, VIT__PANEL) - w.first_panel;
    take_rows(&w);
    cut(&w);
    vit__pool_run(workers->pool, w.slabs * w.row_blocks, multiply_block, &w);
}

/* Are all rows equally far apart, as f32 rows that are multiplied where they lie must be? */
static bool is_even(const vit__gemm_call *call)
{
    return call->items == 1 || call->rows == 1 || call->x_stride == call->rows * call->x_row;
}

static void apply(const vit__gemm_call *call, const vit__workers *workers)
{
    if (call->linear->precision != VIT_PRECISION_F32 || is_even(call)) {
        multiply(call, workers);
        return;
    }
    vit__gemm_call one = *call;
    one.items = 1;
    for (size_t item = 0; item < call->items; item++) {
        one.x = call->x + item * call->x_stride;
        one.y = call->y + item * call->y_stride;
        if (call->epilogue.residual)
            one.epilogue.residual = call->epilogue.residual + item * call->epilogue.residual_stride;
        multiply(&one, workers);
    }
}

const vit__gemm *vit__gemm_tiles(void)
{
    static const vit__gemm back_end = {"tiles", true, prepare, release, operand, scratch, apply};
    return &back_end;
}

const vit__gemm *vit__gemm_choose(vit_precision precision, vit__cpu_level level)
{
    const vit__gemm *openblas = precision == VIT_PRECISION_F32 && level == VIT__CPU_C ? vit__gemm_openblas() : NULL;
    return openblas ? openblas : vit__gemm_tiles();
}
