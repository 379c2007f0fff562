/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linear layers by our own tiles, for a model that encodes once: weights stay where they lie in the mapped file, and
 * a layer is packed when it is multiplied, into memory of the session's that the next layer takes over. Memory for
 * all layers need not be found and cleared, which takes longer than packing them. The bits are those of the tiles.
 */
#include "gemm_streamed.h"

#include "mapped_file.h"
#include "packed.h"
#include "size.h"

#define CHUNK_ROWS VIT__PANEL /* rows of weights that a task packs */
#define ALIGNMENT 16          /* floats */

static vit_status prepare(vit__linear *linear, vit__pool *pool, vit_error *err)
{
    (void)pool;
    (void)err;
    linear->precision = vit__packed_precision(linear->precision, linear->inputs);
    return VIT_OK;
}

static void release(vit__linear *linear)
{
    vit__gemm_tiles()->release(linear);
}

static const vit__packed *panels(const vit__linear *linear)
{
    return vit__gemm_tiles()->panels(linear);
}

static size_t operand(const vit__linear *linear)
{
    return vit__gemm_tiles()->operand(linear);
}

/* The packed layer, behind the rows of a call, and what aligns it. */
static size_t room(const vit__linear *linear)
{
    size_t packed = 0;
    if (!linear->packed) /* cannot overflow: the file has as much */
        vit__packed_size(linear->precision, linear->inputs, linear->outputs, &packed);
    return ALIGNMENT + packed / sizeof(float);
}

static size_t scratch(const vit__linear *linear, size_t rows)
{
    size_t tiles = vit__gemm_tiles()->scratch(linear, rows);
    size_t stripe = vit__packed_stripe(&(vit__packed){.words = vit__words(linear->precision, linear->inputs)});
    return vit__larger(tiles, stripe);
}

/* A layer, or the outputs from first up to end of it. */
typedef struct packing {
    const vit__linear *linear;
    const vit__workers *workers;
    vit__packed packed;
    size_t first, end;
} packing;

static size_t chunks_of(const vit__linear_part *part)
{
    return vit__divide_up(part->rows, CHUNK_ROWS);
}

static void pack_chunk(void *context, size_t chunk, unsigned thread)
{
    packing *p = context;
    const vit__linear_part *part = p->linear->parts;
    size_t output = 0;
    for (; chunk >= chunks_of(part); part++) {
        chunk -= chunks_of(part);
        output += part->rows;
    }
    size_t row = chunk * CHUNK_ROWS, left = part->rows - row;
    vit__packed_rows rows = {output + row, left < CHUNK_ROWS ? left : CHUNK_ROWS,
                             part->weight + row * p->linear->inputs, part->bias ? part->bias + row : NULL};
    if (rows.first >= p->end || rows.first + rows.rows <= p->first)
        return;
    const vit__workers *w = p->workers;
    vit__packed_fill(&p->packed, w->kernels, &rows, (uint32_t *)(w->scratch + thread * w->scratch_size));
}

static void pack(packing *p, const vit__gemm_call *call)
{
    const vit__linear *linear = p->linear;
    size_t used = vit__round_up(vit__gemm_tiles()->operand(linear) * call->rows, ALIGNMENT), chunks = 0;
    vit__packed_place(linear->precision, linear->inputs, linear->outputs, p->workers->operand + used, &p->packed);
    p->first = call->first_output;
    p->end = call->n_outputs ? call->first_output + call->n_outputs : linear->outputs;
    for (size_t i = 0; i < linear->n_parts; i++)
        chunks += chunks_of(&linear->parts[i]);
    vit__pool_run(p->workers->pool, chunks, pack_chunk, p);
    for (size_t i = 0; i < linear->n_parts; i++)
        vit__mapped_file_give_back(linear->parts[i].weight, linear->parts[i].rows * linear->inputs * sizeof(float));
}

static void apply(const vit__gemm_call *call, const vit__workers *workers)
{
    packing p = {.linear = call->linear, .workers = workers};
    vit__linear linear = *call->linear;
    vit__gemm_call packed = *call;
    packed.linear = &linear;
    if (!linear.packed) {
        pack(&p, call);
        linear.packed = &p.packed;
    }
    vit__gemm_tiles()->apply(&packed, workers);
}

const vit__gemm *vit__gemm_streamed(void)
{
    static const vit__gemm back_end = {.name = "streamed",
                                       .streams = true,
                                       .undivided = true,
                                       .prepare = prepare,
                                       .release = release,
                                       .panels = panels,
                                       .operand = operand,
                                       .room = room,
                                       .scratch = scratch,
                                       .apply = apply};
    return &back_end;
}
