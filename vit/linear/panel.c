/* SPDX-License-Identifier: BSD-2-Clause */
#include "panel.h"

#include <string.h>

const vit__multiplier *vit__panel_multiplier(const vit__tiles *tiles, vit_precision precision)
{
    return precision == VIT_PRECISION_F32 ? &tiles->f32 : precision == VIT_PRECISION_BF16 ? &tiles->bf16 : &tiles->int8;
}

void vit__panel_take_row(const vit__panel_call *c, size_t row, float *room, uint32_t *to, vit__byte_scale *scale)
{
    const vit__gemm_call *call = c->call;
    const vit__packed *packed = c->packed;
    const vit__kernels *kernels = c->kernels;
    size_t inputs = packed->inputs;
    const float *x = call->x + row * call->x_row;
    to[packed->words - 1] = 0; /* the last word may have values to spare */
    if (call->norm && call->norm->weight) {
        float *normed = packed->precision == VIT_PRECISION_F32 ? (float *)to : room;
        vit__norm_row(kernels, call->norm, inputs, x, normed);
        x = normed;
    }
    if (packed->precision == VIT_PRECISION_BF16)
        kernels->to_bf16(x, inputs, (uint16_t *)to);
    else if (packed->precision == VIT_PRECISION_INT8)
        kernels->to_int8(x, inputs, (uint8_t *)to, scale);
    else if (x != (const float *)to)
        memcpy(to, x, inputs * sizeof *x);
}

/* The last columns of a layer whose outputs do not fill them. */
static void finish_partly(const vit__panel_columns *columns, const vit__panel_rows *rows, const vit__kernels *kernels,
                          size_t n)
{
    vit__panel_columns whole = *columns;
    whole.scale = NULL;
    vit__panel_rows here = *rows;
    here.residual = NULL;
    here.y = rows->sums;
    here.y_stride = columns->width;
    kernels->finish(&whole, &here);
    for (size_t i = 0; i < rows->rows; i++) {
        vit__epilogue_row row = {.scale = columns->scale,
                                 .residual = rows->residual ? rows->residual + i * rows->residual_stride : NULL};
        kernels->epilogue(rows->sums + i * columns->width, &row, n, rows->y + i * rows->y_stride);
    }
}

void vit__panel_finish(const vit__panel_call *c, const vit__panel_sums *sums)
{
    const vit__gemm_call *call = c->call;
    const vit__packed *packed = c->packed;
    const vit__epilogue *e = &call->epilogue;
    size_t output = sums->panel * VIT__PANEL + sums->column, row = sums->row;
    bool bytes = packed->precision == VIT_PRECISION_INT8;
    vit__panel_columns columns = {.width = sums->width,
                                  .activation = e->activation,
                                  .rough = packed->precision != VIT_PRECISION_F32,
                                  .bias = packed->bias + output,
                                  .scale = e->scale ? e->scale + output : NULL,
                                  .byte_scales = bytes ? packed->scales + output : NULL,
                                  .byte_sums = bytes ? packed->sums + output : NULL,
                                  .words = packed->panels + sums->panel * packed->words * VIT__PANEL + sums->column};
    vit__panel_rows lines = {.rows = sums->rows,
                             .sums = sums->sums,
                             .byte_scales = bytes ? sums->byte_scales + row : NULL,
                             .y = call->y + row * call->y_row + output,
                             .y_stride = call->y_row,
                             .residual = e->residual ? e->residual + row * e->residual_row + output : NULL,
                             .residual_stride = e->residual_row};
    if (sums->columns < sums->width)
        finish_partly(&columns, &lines, c->kernels, sums->columns);
    else
        c->kernels->finish(&columns, &lines);
}
