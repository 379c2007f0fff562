/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of a linear layer as the tiles read them. A word has 32 bits: one f32, two bf16 or four int8 inputs of
 * one output. A panel is VIT__PANEL = 64 outputs, stored [words][64]. The first panel of a bf16 layer with 768 inputs,
 * whose weights are W[output][input]:
 *
 *                   output 0           output 1          ...   output 63
 *     word 0        W[0][0] W[0][1]    W[1][0] W[1][1]   ...   W[63][0] W[63][1]
 *     word 1        W[0][2] W[0][3]    W[1][2] W[1][3]   ...   W[63][2] W[63][3]
 *     ...
 *     word 383      W[0][766] W[0][767]                  ...   W[63][766] W[63][767]
 *
 * A row of the picture is one or more vectors of the processor. The tiles multiply each word of it by one word of a row
 * of activations, and add. The layout depends on the precision alone, not on the processor, so it can be stored in a
 * file.
 */
#ifndef VIT_PACKED_H
#define VIT_PACKED_H

#include "kernels.h"
#include "tiles.h"

typedef struct vit__packed {
    vit_precision precision;
    size_t inputs, outputs; /* K, N */
    size_t words;           /* words of one output: its K weights, and zeros that fill the last word */
    size_t n_panels;        /* N / VIT__PANEL, rounded up; the last panel's columns past N are zero */
    uint32_t *panels;       /* [n_panels][words][VIT__PANEL] */
    float *bias;            /* [n_panels * VIT__PANEL], 0 for outputs that have none */
    float *scales;          /* int8: [n_panels * VIT__PANEL], weight = scale * byte for each output; else NULL */
    int32_t *sums;          /* int8: [n_panels * VIT__PANEL], the sum of each output's bytes; else NULL */
    bool borrowed;          /* the memory belongs to a file or a buffer that outlives this struct */
} vit__packed;

/* Values in a word: 1 of f32, 2 of bf16, 4 of int8. */
static inline size_t vit__values_per_word(vit_precision precision)
{
    return precision == VIT_PRECISION_INT8 ? 4 : precision == VIT_PRECISION_BF16 ? 2 : 1;
}

static inline size_t vit__words(vit_precision precision, size_t values)
{
    size_t per_word = vit__values_per_word(precision);
    return (values + per_word - 1) / per_word;
}

/* Takes memory for the weights of a layer, all zero. The caller frees with vit__packed_free. */
vit_status vit__packed_create(vit_precision precision, size_t inputs, size_t outputs, vit__packed **packed,
                              vit_error *err);
void vit__packed_free(vit__packed *packed);

/* The precision that a layer of so many inputs gets: the one wanted, but bf16 where sums of int8 could overflow. */
vit_precision vit__packed_precision(vit_precision wanted, size_t inputs);

/* Bytes of a layer as it is stored: panels, bias and, for int8, scales and sums, one after the other; a multiple of 64.
 * false: more than memory can hold. */
bool vit__packed_size(vit_precision precision, size_t inputs, size_t outputs, size_t *size);

/* The weights that are stored in these bytes: vit__packed_size of them, aligned to 64. The bytes must outlive *packed.
 * VIT_ERR_CORRUPT: a scale or a sum that packed weights cannot have, such as a scale of NaN. */
vit_status vit__packed_view(vit_precision precision, size_t inputs, size_t outputs, const void *bytes,
                            const char *where, vit__packed **packed, vit_error *err);

/* Lays out *packed over bytes that vit__packed_fill will fill. There are vit__packed_size bytes, aligned to 64; what
 * they hold before does not matter. */
void vit__packed_place(vit_precision precision, size_t inputs, size_t outputs, void *bytes, vit__packed *packed);

#define VIT__PACKED_PIECES 4

/* The pieces that are stored, in their order: panels, bias, scales, sums. A piece that the precision lacks has size
 * 0. */
void vit__packed_pieces(const vit__packed *packed, const void *pieces[VIT__PACKED_PIECES],
                        size_t sizes[VIT__PACKED_PIECES]);

/* Some rows of a checkpoint's matrix: the weights of the outputs first, first + 1, ... */
typedef struct vit__packed_rows {
    size_t first, rows;
    const float *weight; /* [rows, K] */
    const float *bias;   /* [rows], or NULL */
} vit__packed_rows;

/* Writes n rows, `words` words each and `stride` words apart, as the columns column, column + 1, ... of a panel. */
void vit__packed_scatter(const uint32_t *rows, size_t stride, size_t n, size_t words, uint32_t *panel, size_t column);

/* Packs these rows. stripe is memory for vit__packed_stripe words. Several threads may write different panels at
 * once. */
void vit__packed_fill(vit__packed *packed, const vit__kernels *kernels, const vit__packed_rows *rows, uint32_t *stripe);
size_t vit__packed_stripe(const vit__packed *packed);

#endif
