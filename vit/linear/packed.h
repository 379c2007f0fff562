/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weights of a linear layer as the tiles read them: panels of VIT__PANEL outputs, each [words][VIT__PANEL]
 * (tiles.h). The layout depends on the precision alone, not on the processor, so that it can be stored in a file.
 */
#ifndef VIT_PACKED_H
#define VIT_PACKED_H

#include "kernels.h"
#include "tiles.h"

typedef struct vit__packed {
    vit_precision precision;
    size_t inputs, outputs; /* K, N */
    size_t words;           /* 32-bit words of a row: K values, and zeros to fill the last word */
    size_t n_panels;        /* N / VIT__PANEL, rounded up; columns past N are zero */
    uint32_t *panels;       /* [n_panels][words][VIT__PANEL] */
    float *bias;            /* [n_panels * VIT__PANEL], 0 for outputs that have none */
    float *scales;          /* int8: [n_panels * VIT__PANEL], what a unit of each column stands for; else NULL */
    int32_t *sums;          /* int8: [n_panels * VIT__PANEL], each column's sum of bytes; else NULL */
    bool borrowed;          /* the memory is another's, which outlives this */
} vit__packed;

/* Values in a word. */
static inline size_t vit__values_per_word(vit_precision precision)
{
    return precision == VIT_PRECISION_INT8 ? 4 : precision == VIT_PRECISION_BF16 ? 2 : 1;
}

static inline size_t vit__words(vit_precision precision, size_t values)
{
    size_t per_word = vit__values_per_word(precision);
    return (values + per_word - 1) / per_word;
}

/* Room for the weights of inputs x outputs, all zero. */
vit_status vit__packed_create(vit_precision precision, size_t inputs, size_t outputs, vit__packed **packed,
                              vit_error *err);
void vit__packed_free(vit__packed *packed);

/* What a layer of so many inputs is multiplied in where this precision is wanted. */
vit_precision vit__packed_precision(vit_precision wanted, size_t inputs);

/* Bytes of a layer as it is stored: panels, bias and, for int8, scales and sums, one after the other; a multiple of 64.
 * false: more than memory can hold. */
bool vit__packed_size(vit_precision precision, size_t inputs, size_t outputs, size_t *size);

/* Weights as they lie in such bytes, aligned to 64, which must outlive them.
 * Refuses numbers with which products could not be formed (VIT_ERR_CORRUPT). */
vit_status vit__packed_view(vit_precision precision, size_t inputs, size_t outputs, const void *bytes,
                            const char *where, vit__packed **packed, vit_error *err);

/* Such bytes to be filled: vit__packed_size of them, aligned to 64, as nothing has been written there. */
void vit__packed_place(vit_precision precision, size_t inputs, size_t outputs, void *bytes, vit__packed *packed);

#define VIT__PACKED_PIECES 4

/* The pieces of those bytes; sizes 0 for those it has not. */
void vit__packed_pieces(const vit__packed *packed, const void *pieces[VIT__PACKED_PIECES],
                        size_t sizes[VIT__PACKED_PIECES]);

/* Rows of weights as they are stored: outputs first, first + 1, ... */
typedef struct vit__packed_rows {
    size_t first, rows;
    const float *weight; /* [rows, K] */
    const float *bias;   /* [rows], or NULL */
} vit__packed_rows;

/* n rows of `words` words each, `stride` apart, as columns `column` ... of a panel. */
void vit__packed_scatter(const uint32_t *rows, size_t stride, size_t n, size_t words, uint32_t *panel, size_t column);

/* Writes these rows; stripe is room for vit__packed_stripe words. Panels may be written by several threads at once. */
void vit__packed_fill(vit__packed *packed, const vit__kernels *kernels, const vit__packed_rows *rows, uint32_t *stripe);
size_t vit__packed_stripe(const vit__packed *packed);

#endif
