/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * int8 layers by oneDNN, which uses the matrix unit of processors with AMX:
 * our tiles do not. Calls to oneDNN are single-threaded, on our own threads.
 *
 * oneDNN lays weights out as our panels are, so the tiles pack them, and the tiles multiply what is left
 * over: inputs past the last whole block of words, outputs past the last whole panel, and what oneDNN fails
 * to (it takes some memory at each call). It wants rows without gaps, so activations are always copied.
 *
 * Sums of bytes are exact, so oneDNN gives the bits of the tiles. Sums of floats are not: oneDNN
 * adds them in another order than the tiles, and in an order that depends on the number of rows.
 * Layers of an int8 model that are multiplied in another precision are therefore left to the tiles.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "gemm.h"
#include "memory.h"
#include "onednn.h"
#include "panel.h"
#include "size.h"

_Static_assert(VIT__ONEDNN_COLUMNS == VIT__PANEL, "oneDNN multiplies a panel");

#define CONVERT_ROWS 8 /* rows a task converts */

typedef struct layer {
    vit__packed *packed;          /* the tiles' */
    vit__onednn_product *product; /* of the first `words` words of each row; NULL: the tiles multiply */
    size_t words;
} layer;

/* The tiles' packing, and oneDNN's product if there is one for this layer. */
static vit_status prepare(vit__linear *linear, vit__pool *pool, vit_error *err)
{
    layer *l = vit__alloc_zero(1, sizeof *l);
    if (!l)
        return vit__fail_memory(err, NULL);
    vit_status status = vit__gemm_tiles()->prepare(linear, pool, err);
    if (status != VIT_OK) {
        free(l);
        return status;
    }
    l->packed = linear->packed;
    size_t per_word = vit__values_per_word(VIT_PRECISION_INT8);
    l->words = linear->inputs / per_word / VIT__ONEDNN_WORDS * VIT__ONEDNN_WORDS; /* the words of whole blocks */
    if (l->words && linear->outputs >= VIT__PANEL && linear->precision == VIT_PRECISION_INT8)
        l->product = vit__onednn_create(l->words * per_word);
    linear->packed = l;
    return VIT_OK;
}

/* The layer as the tiles know it. */
static vit__linear as_tiles(const vit__linear *linear)
{
    vit__linear tiles = *linear;
    const layer *l = linear->packed;
    tiles.packed = l ? l->packed : NULL;
    return tiles;
}

static void release(vit__linear *linear)
{
    layer *l = linear->packed;
    vit__linear tiles = as_tiles(linear);
    vit__gemm_tiles()->release(&tiles);
    if (l)
        vit__onednn_free(l->product);
    free(l);
    linear->packed = NULL;
}

static const vit__packed *panels(const vit__linear *linear)
{
    vit__linear tiles = as_tiles(linear);
    return tiles.packed;
}

static size_t operand(const vit__linear *linear)
{
    vit__linear tiles = as_tiles(linear);
    return vit__gemm_tiles()->operand(&tiles); /* words of a row and more, and its vit__byte_scale */
}

/* oneDNN reads on behind the last row; what is there does not matter. */
static size_t room(const vit__linear *linear)
{
    const layer *l = linear->packed;
    return l ? (VIT__ONEDNN_STEP - 1) * l->words : 0;
}

#define SUMS (VIT__ONEDNN_ROWS * VIT__PANEL)

/* Sums and oneDNN's own; a row that is normed and one that is converted. */
static size_t scratch(const vit__linear *linear, size_t rows)
{
    const layer *l = linear->packed;
    vit__linear tiles = as_tiles(linear);
    size_t needed = vit__gemm_tiles()->scratch(&tiles, rows);
    if (!l || !l->product)
        return needed;
    size_t product = SUMS + vit__divide_up(vit__onednn_scratch(l->product), sizeof(float));
    return vit__larger(needed, vit__larger(product, 2 * linear->inputs));
}

typedef struct work {
    const vit__gemm_call *call;
    const vit__workers *workers;
    const vit__packed *packed;
    vit__panel_call panels;
    const layer *layer;
    uint32_t *a;    /* [rows][layer->words] */
    uint32_t *rest; /* [rows][rest_words] */
    size_t rest_words;
    vit__byte_scale *byte_scales; /* int8: of each row */
    size_t first_panel, row_blocks;
} work;

static float *scratch_of(const work *w, unsigned thread)
{
    return w->workers->scratch + thread * w->workers->scratch_size;
}

/* ------------------------------------------------------------------ activations ---- */

/* Where words are left over, the row is cut in two. */
static void take_row(const work *w, size_t row, float *room)
{
    size_t words = w->layer->words;
    uint32_t *a = w->a + row * words, *whole = w->rest_words ? (uint32_t *)(room + w->packed->inputs) : a;
    vit__panel_take_row(&w->panels, row, room, whole, &w->byte_scales[row]);
    if (w->rest_words) {
        memcpy(a, whole, words * sizeof *a);
        memcpy(w->rest + row * w->rest_words, whole + words, w->rest_words * sizeof *a);
    }
}

static void take_rows(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    size_t end = (index + 1) * CONVERT_ROWS < w->call->rows ? (index + 1) * CONVERT_ROWS : w->call->rows;
    for (size_t row = index * CONVERT_ROWS; row < end; row++)
        take_row(w, row, scratch_of(w, thread));
}

/* ------------------------------------------------------------------ products ---- */

/* Some words' share of the sums, by the tiles. */
typedef struct share {
    const uint32_t *a;
    size_t first, words; /* of a panel's */
    bool add;
} share;

static void multiply_share(const work *w, size_t panel, size_t rows, const share *s, float *sums)
{
    size_t word = panel * w->packed->words + s->first;
    vit__tile_call call = {.a = s->a,
                           .a_stride = s->words,
                           .panel = w->packed->panels + word * VIT__PANEL,
                           .rows = rows,
                           .words = s->words,
                           .out = sums,
                           .out_stride = VIT__PANEL,
                           .add = s->add};
    vit__panel_multiplier(&w->workers->tiles, w->packed->precision)->multiply(&call);
}

static void multiply_block(void *context, size_t index, unsigned thread)
{
    const work *w = context;
    size_t panel = w->first_panel + index / w->row_blocks, row = index % w->row_blocks * VIT__ONEDNN_ROWS,
           left = w->call->rows - row;
    size_t rows = left < VIT__ONEDNN_ROWS ? left : VIT__ONEDNN_ROWS;
    float *sums = scratch_of(w, thread);
    share whole = {w->a + row * w->layer->words, 0, w->layer->words, false};
    share rest = {w->rest + row * w->rest_words, w->layer->words, w->rest_words, true};
    vit__onednn_call call = {.product = w->layer->product,
                             .rows = rows,
                             .a = whole.a,
                             .b = w->packed->panels + panel * w->packed->words * VIT__PANEL,
                             .c = sums,
                             .scratch = sums + SUMS};
    if (!vit__onednn_multiply(&call))
        multiply_share(w, panel, rows, &whole, sums);
    if (rest.words)
        multiply_share(w, panel, rows, &rest, sums);
    vit__panel_sums result = {.panel = panel,
                              .row = row,
                              .rows = rows,
                              .width = VIT__PANEL,
                              .columns = VIT__PANEL,
                              .sums = sums,
                              .byte_scales = w->byte_scales};
    vit__panel_finish(&w->panels, &result);
}

/* Whole panels from the first on, all rows. */
static void multiply(const vit__gemm_call *call, const vit__workers *workers, size_t panels)
{
    const layer *l = call->linear->packed;
    work w = {.call = call,
              .workers = workers,
              .packed = l->packed,
              .layer = l,
              .panels = {call, l->packed, workers->kernels}};
    w.first_panel = call->first_output / VIT__PANEL;
    w.rest_words = l->packed->words - l->words;
    w.a = (uint32_t *)workers->operand;
    w.rest = w.a + call->rows * l->words;
    w.byte_scales = (vit__byte_scale *)(w.rest + call->rows * w.rest_words);
    w.row_blocks = (call->rows + VIT__ONEDNN_ROWS - 1) / VIT__ONEDNN_ROWS;
    vit__pool_run(workers->pool, (call->rows + CONVERT_ROWS - 1) / CONVERT_ROWS, take_rows, &w);
    vit__pool_run(workers->pool, panels * w.row_blocks, multiply_block, &w);
}

static void apply(const vit__gemm_call *call, const vit__workers *workers)
{
    const layer *l = call->linear->packed;
    vit__linear linear = as_tiles(call->linear);
    vit__gemm_call left = *call;
    left.linear = &linear;
    left.n_outputs = call->n_outputs ? call->n_outputs : l->packed->outputs - call->first_output;
    size_t panels = l->product && call->rows ? left.n_outputs / VIT__PANEL : 0;
    if (panels > 0)
        multiply(call, workers, panels);
    left.first_output += panels * VIT__PANEL;
    left.n_outputs -= panels * VIT__PANEL;
    if (left.n_outputs > 0)
        vit__gemm_tiles()->apply(&left, workers);
}

/* oneDNN takes the instructions that it finds; below VNNI it has no product that reads packed panels. */
const vit__gemm *vit__gemm_onednn(unsigned flags)
{
    static const vit__gemm back_end = {.name = "onednn",
                                       .prepare = prepare,
                                       .release = release,
                                       .panels = panels,
                                       .operand = operand,
                                       .room = room,
                                       .scratch = scratch,
                                       .apply = apply};
    if (!vit__cpu_has(flags, VIT__CPU_AVX512_VNNI) || !vit__onednn_load())
        return NULL;
    size_t least = VIT__ONEDNN_WORDS * vit__values_per_word(VIT_PRECISION_INT8);
    vit__onednn_product *product = vit__onednn_create(least); /* does this processor have one? */
    vit__onednn_free(product);
    return product ? &back_end : NULL;
}
