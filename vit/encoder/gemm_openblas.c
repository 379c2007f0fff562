/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * f32 linear layers by OpenBLAS, single-threaded calls on our own threads. OpenBLAS packs both operands at every call,
 * so nothing is prepared: weights stay where they are, in the mapped file.
 *
 * Every call is a tile: at most ROWS rows by one slice of one part. Its shape follows from the layer and the number of
 * rows alone, which is what makes results independent of threads: OpenBLAS takes other code paths, with other last bits,
 * for other shapes. (So nobody asks for some of an input's rows, or of a layer's outputs, here.) The product lands in the
 * thread's scratch, still in cache for the epilogue.
 */
#include "gemm.h"

#include "openblas.h"
#include "size.h"

#define ROWS 256     /* rows of a tile */
#define COLUMNS 384  /* widest tile: with 197 rows, tile, operands and packed copies fit a 1 MiB second-level cache */
#define GRANULE 16   /* tile widths are multiples of a vector */

static vit_status prepare(vit__linear *linear, vit__pool *pool, vit_error *err)
{
    (void)linear;
    (void)pool;
    (void)err;
    return VIT_OK;
}

static void release(vit__linear *linear)
{
    (void)linear;
}

/* A row that is normed. */
static size_t operand(const vit__linear *linear)
{
    return linear->inputs;
}

/* An even number of equal tiles, so that two threads share a layer evenly. */
static size_t tile_width(size_t outputs)
{
    size_t tiles = vit__round_up(vit__divide_up(outputs, COLUMNS), 2);
    return vit__round_up(vit__divide_up(outputs, tiles), GRANULE);
}

static size_t scratch(const vit__linear *linear, size_t rows)
{
    size_t widest = 0;
    for (size_t i = 0; i < linear->n_parts; i++) /* no tile of a part is wider than this, or than COLUMNS */
        widest = vit__larger(widest, vit__round_up(linear->parts[i].rows, GRANULE));
    return vit__smaller(rows, ROWS) * vit__smaller(widest, COLUMNS);
}

typedef struct tiling {
    const vit__gemm_call *call;
    const vit__workers *workers;
    size_t row_tiles;
    size_t part_tiles[VIT__LINEAR_PARTS];
} tiling;

/* Tiles are numbered with the weights outermost: neighbours share a slice of them. */
static void multiply_tile(void *context, size_t index, unsigned thread)
{
    const tiling *t = context;
    const vit__gemm_call *call = t->call;
    size_t row_tile = index % t->row_tiles, slice = index / t->row_tiles;
    size_t part_index = 0, first_output = 0;
    while (slice >= t->part_tiles[part_index]) {
        slice -= t->part_tiles[part_index];
        first_output += call->linear->parts[part_index++].rows;
    }
    const vit__linear_part *part = &call->linear->parts[part_index];
    size_t width = tile_width(part->rows), column = slice * width, row = row_tile * ROWS;
    size_t columns = part->rows - column < width ? part->rows - column : width;
    size_t rows = call->rows - row < ROWS ? call->rows - row : ROWS;
    size_t inputs = call->linear->inputs;
    float *tile = t->workers->scratch + thread * t->workers->scratch_size;
    vit__openblas_multiply(&(vit__openblas_call){
        .n_a = rows, .a = call->x + row * call->x_row, .a_row = call->x_row,
        .n_b = columns, .b = part->weight + column * inputs, .b_row = inputs,
        .columns = inputs, .c = tile, .c_row = columns});

    const vit__epilogue *e = &call->epilogue;
    size_t output = first_output + column;
    for (size_t i = 0; i < rows; i++) {
        vit__epilogue_row line = {
            .activation = e->activation,
            .bias = part->bias ? part->bias + column : NULL,
            .scale = e->scale ? e->scale + output : NULL,
            .residual = e->residual ? e->residual + (row + i) * e->residual_row + output : NULL,
        };
        t->workers->kernels->epilogue(tile + i * columns, &line, columns,
                                      call->y + (row + i) * call->y_row + output);
    }
}

static void norm_row(void *context, size_t index, unsigned thread)
{
    const tiling *t = context;
    const vit__gemm_call *call = t->call;
    (void)thread;
    vit__norm_row(t->workers->kernels, call->norm, call->linear->inputs,
                  call->x + index * call->x_row,
                  t->workers->operand + index * call->linear->inputs);
}

static void multiply(const vit__gemm_call *call, const vit__workers *workers)
{
    tiling t = {.call = call, .workers = workers, .row_tiles = (call->rows + ROWS - 1) / ROWS};
    size_t slices = 0;
    for (size_t i = 0; i < call->linear->n_parts; i++) {
        size_t rows = call->linear->parts[i].rows, width = tile_width(rows);
        t.part_tiles[i] = (rows + width - 1) / width;
        slices += t.part_tiles[i];
    }
    vit__pool_run(workers->pool, slices * t.row_tiles, multiply_tile, &t);
}

static void apply(const vit__gemm_call *call, const vit__workers *workers)
{
    if (!call->norm || !call->norm->weight) {
        multiply(call, workers);
        return;
    }
    tiling t = {.call = call, .workers = workers};
    vit__pool_run(workers->pool, call->rows, norm_row, &t);
    vit__gemm_call normed = *call;
    normed.norm = NULL;
    normed.x = workers->operand;
    normed.x_row = call->linear->inputs;
    multiply(&normed, workers);
}

/* NULL: OpenBLAS is not there. */
const vit__gemm *vit__gemm_openblas(void)
{
    static const vit__gemm back_end = {.name = "openblas", .undivided = true, .prepare = prepare, .release = release,
                                       .operand = operand, .scratch = scratch, .apply = apply};
    return vit__openblas_load() ? &back_end : NULL;
}
