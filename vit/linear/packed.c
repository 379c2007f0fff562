/* SPDX-License-Identifier: BSD-2-Clause */
#include "packed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

/* int8 sums of more inputs than this could overflow 32 bits: 255 * 128 * 65000 + 65536 * 128 < 2^31. */
#define INT8_INPUTS 65000

#define STRIPE 16 /* outputs converted together: what they write of a panel's row is one cache line */
#define SQUARE 4  /* words of as many outputs that are put in their places at once */

vit_precision vit__packed_precision(vit_precision wanted, size_t inputs)
{
    return wanted == VIT_PRECISION_INT8 && inputs > INT8_INPUTS ? VIT_PRECISION_BF16 : wanted;
}

/* All but the memory. */
static vit__packed shaped(vit_precision precision, size_t inputs, size_t outputs)
{
    return (vit__packed){.precision = precision,
                         .inputs = inputs,
                         .outputs = outputs,
                         .words = vit__words(precision, inputs),
                         .n_panels = (outputs + VIT__PANEL - 1) / VIT__PANEL};
}

/* The last panel, if it is not full: it alone needs zeros. */
static void clear_rest(const vit__packed *packed)
{
    if (packed->outputs % VIT__PANEL)
        memset(packed->panels + (packed->n_panels - 1) * packed->words * VIT__PANEL, 0,
               packed->words * VIT__PANEL * sizeof *packed->panels);
}

vit_status vit__packed_create(vit_precision precision, size_t inputs, size_t outputs, vit__packed **result,
                              vit_error *err)
{
    *result = NULL;
    vit__packed *packed = vit__alloc_zero(1, sizeof *packed);
    if (!packed)
        return vit__fail_memory(err, NULL);
    *packed = shaped(precision, inputs, outputs);
    size_t columns = packed->n_panels * VIT__PANEL, words;
    if (vit__multiply(packed->words, columns, &words))
        packed->panels = vit__alloc_aligned(words, sizeof *packed->panels);
    packed->bias = vit__alloc_zero(columns, sizeof *packed->bias);
    bool complete = packed->panels && packed->bias;
    if (precision == VIT_PRECISION_INT8) {
        packed->scales = vit__alloc_zero(columns, sizeof *packed->scales);
        packed->sums = vit__alloc_zero(columns, sizeof *packed->sums);
        complete = complete && packed->scales && packed->sums;
    }
    if (!complete) {
        vit__packed_free(packed);
        return vit__fail_memory(err, NULL);
    }
    clear_rest(packed);
    *result = packed;
    return VIT_OK;
}

void vit__packed_free(vit__packed *packed)
{
    if (!packed)
        return;
    if (!packed->borrowed) {
        free(packed->panels);
        free(packed->bias);
        free(packed->scales);
        free(packed->sums);
    }
    free(packed);
}

/* ------------------------------------------------------------------ as stored ---- */

bool vit__packed_size(vit_precision precision, size_t inputs, size_t outputs, size_t *size)
{
    const vit__packed p = shaped(precision, inputs, outputs);
    size_t rows = p.words + (precision == VIT_PRECISION_INT8 ? 3 : 1), columns;
    return vit__multiply(p.n_panels, VIT__PANEL * sizeof(uint32_t), &columns) && vit__multiply(columns, rows, size);
}

void vit__packed_pieces(const vit__packed *packed, const void *pieces[VIT__PACKED_PIECES],
                        size_t sizes[VIT__PACKED_PIECES])
{
    const void *all[VIT__PACKED_PIECES] = {packed->panels, packed->bias, packed->scales, packed->sums};
    size_t row = packed->n_panels * VIT__PANEL * sizeof(uint32_t);
    for (size_t i = 0; i < VIT__PACKED_PIECES; i++) {
        pieces[i] = all[i];
        sizes[i] = !all[i] ? 0 : i == 0 ? packed->words * row : row;
    }
}

/* Over memory of another's, piece by piece. */
static vit__packed laid_out(vit_precision precision, size_t inputs, size_t outputs, void *bytes)
{
    vit__packed packed = shaped(precision, inputs, outputs);
    size_t columns = packed.n_panels * VIT__PANEL;
    packed.borrowed = true;
    packed.panels = bytes;
    packed.bias = (float *)(void *)(packed.panels + packed.words * columns);
    if (precision == VIT_PRECISION_INT8) {
        packed.scales = packed.bias + columns;
        packed.sums = (int32_t *)(void *)(packed.scales + columns);
    }
    return packed;
}

void vit__packed_place(vit_precision precision, size_t inputs, size_t outputs, void *bytes, vit__packed *packed)
{
    *packed = laid_out(precision, inputs, outputs, bytes);
    clear_rest(packed);
}

/* Are the scales those of some weights, and can the sums be sums of that many bytes? */
static bool plausible(const vit__packed *packed)
{
    const double most = 128.0 * 4 * (double)packed->words;
    for (size_t i = 0; i < packed->n_panels * VIT__PANEL; i++)
        if (!isfinite(packed->scales[i]) || packed->scales[i] < 0 || fabs((double)packed->sums[i]) > most)
            return false;
    return true;
}

vit_status vit__packed_view(vit_precision precision, size_t inputs, size_t outputs, const void *bytes,
                            const char *where, vit__packed **result, vit_error *err)
{
    *result = NULL;
    vit__packed *packed = vit__alloc(1, sizeof *packed);
    if (!packed)
        return vit__fail_memory(err, where);
    *packed = laid_out(precision, inputs, outputs,
                       (void *)(uintptr_t)bytes); /* which nobody fills, and so nobody writes */
    if (precision == VIT_PRECISION_INT8 && !plausible(packed)) {
        vit__packed_free(packed);
        return vit__fail(err, VIT_ERR_CORRUPT, where, "scales or sums of its columns are none of packed weights");
    }
    *result = packed;
    return VIT_OK;
}

/* ------------------------------------------------------------------ packing ---- */

/* One row of weights as the words of output `output`; f32 is not converted. */
static void convert_row(vit__packed *packed, const vit__kernels *kernels, size_t output, const float *row,
                        uint32_t *words)
{
    words[packed->words - 1] = 0;
    switch (packed->precision) {
    case VIT_PRECISION_BF16:
        kernels->to_bf16(row, packed->inputs, (uint16_t *)words);
        break;
    case VIT_PRECISION_INT8: {
        int8_t *bytes = (int8_t *)words;
        packed->scales[output] = kernels->weights_to_int8(row, packed->inputs, bytes);
        int32_t sum = 0;
        for (size_t i = 0; i < packed->inputs; i++)
            sum += bytes[i];
        packed->sums[output] = sum;
        break;
    }
    case VIT_PRECISION_F32:
    case VIT_PRECISION_AUTO: /* of models, not of layers */
        break;
    }
}

typedef uint32_t quad __attribute__((vector_size(SQUARE * sizeof(uint32_t))));

static quad load(const uint32_t *words)
{
    quad loaded;
    memcpy(&loaded, words, sizeof loaded);
    return loaded;
}

/* Four words of four rows, `stride` apart, as four rows of a panel. */
static void scatter_square(const uint32_t *from, size_t stride, uint32_t *panel)
{
    quad a = load(from), b = load(from + stride), c = load(from + 2 * stride), d = load(from + 3 * stride);
    quad low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const quad rows[SQUARE] = {
        __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5), __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7),
        __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5), __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7)};
    for (size_t i = 0; i < SQUARE; i++)
        memcpy(panel + i * VIT__PANEL, &rows[i], sizeof rows[i]);
}

/* The words may be of another type. */
void vit__packed_scatter(const uint32_t *rows, size_t stride, size_t n, size_t words, uint32_t *panel, size_t column)
{
    size_t square_n = n / SQUARE * SQUARE, square_words = words / SQUARE * SQUARE;
    for (size_t word = 0; word < square_words; word += SQUARE)
        for (size_t i = 0; i < square_n; i += SQUARE)
            scatter_square(rows + i * stride + word, stride, panel + word * VIT__PANEL + column + i);
    for (size_t word = 0; word < words; word++)
        for (size_t i = word < square_words ? square_n : 0; i < n; i++)
            memcpy(panel + word * VIT__PANEL + column + i, rows + i * stride + word, sizeof *panel);
}

size_t vit__packed_stripe(const vit__packed *packed)
{
    return STRIPE * packed->words;
}

void vit__packed_fill(vit__packed *packed, const vit__kernels *kernels, const vit__packed_rows *rows, uint32_t *stripe)
{
    for (size_t done = 0, n; done < rows->rows; done += n) {
        size_t output = rows->first + done, column = output % VIT__PANEL;
        n = STRIPE - column % STRIPE;
        n = rows->rows - done < n ? rows->rows - done : n;
        const float *weight = rows->weight + done * packed->inputs;
        bool converted = packed->precision != VIT_PRECISION_F32;
        for (size_t i = 0; converted && i < n; i++)
            convert_row(packed, kernels, output + i, weight + i * packed->inputs, stripe + i * packed->words);
        vit__packed_scatter(converted ? stripe : (const uint32_t *)(const void *)weight, packed->words, n,
                            packed->words, packed->panels + output / VIT__PANEL * packed->words * VIT__PANEL, column);
    }
    if (rows->bias)
        memcpy(packed->bias + rows->first, rows->bias, rows->rows * sizeof *rows->bias);
    else
        memset(packed->bias + rows->first, 0, rows->rows * sizeof *packed->bias);
}
