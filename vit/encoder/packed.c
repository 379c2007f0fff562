/* SPDX-License-Identifier: BSD-2-Clause */
#include "packed.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define STRIPE 16 /* outputs converted together: what they write of a panel's row is one cache line */

vit_status vit__packed_create(vit_precision precision, size_t inputs, size_t outputs, vit__packed **result,
                              vit_error *err)
{
    *result = NULL;
    vit__packed *packed = vit__alloc_zero(1, sizeof *packed);
    if (!packed)
        return vit__fail_memory(err, NULL);
    *packed = (vit__packed){.precision = precision, .inputs = inputs, .outputs = outputs,
                            .words = vit__words(precision, inputs),
                            .n_panels = (outputs + VIT__PANEL - 1) / VIT__PANEL};
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
    if (columns > outputs) /* the last panel is not full: it alone needs zeros */
        memset(packed->panels + (packed->n_panels - 1) * packed->words * VIT__PANEL, 0,
               packed->words * VIT__PANEL * sizeof *packed->panels);
    *result = packed;
    return VIT_OK;
}

void vit__packed_free(vit__packed *packed)
{
    if (!packed)
        return;
    free(packed->panels);
    free(packed->bias);
    free(packed->scales);
    free(packed->sums);
    free(packed);
}

/* One row of weights as the words of output `output`. */
static void convert_row(vit__packed *packed, const vit__kernels *kernels, size_t output, const float *row,
                        uint32_t *words)
{
    words[packed->words - 1] = 0;
    switch (packed->precision) {
    case VIT_PRECISION_F32:
        memcpy(words, row, packed->inputs * sizeof *words);
        break;
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
    }
}

/* stripe[n][words] as columns `column`... of a panel */
static void scatter(const uint32_t *stripe, size_t n, size_t words, uint32_t *panel, size_t column)
{
    for (size_t word = 0; word < words; word++)
        for (size_t i = 0; i < n; i++)
            panel[word * VIT__PANEL + column + i] = stripe[i * words + word];
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
        for (size_t i = 0; i < n; i++)
            convert_row(packed, kernels, output + i, rows->weight + (done + i) * packed->inputs,
                        stripe + i * packed->words);
        scatter(stripe, n, packed->words, packed->panels + output / VIT__PANEL * packed->words * VIT__PANEL, column);
    }
    if (rows->bias)
        memcpy(packed->bias + rows->first, rows->bias, rows->rows * sizeof *rows->bias);
}
