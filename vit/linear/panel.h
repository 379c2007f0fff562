/* SPDX-License-Identifier: BSD-2-Clause */
/* What all back ends that multiply panels (packed.h) have in common: how a row of activations is made ready to be
 * multiplied, and how the sums of a panel become outputs. */
#ifndef VIT_PANEL_H
#define VIT_PANEL_H

#include "gemm.h"
#include "packed.h"

/* The tiles' loop that multiplies in this precision. */
const vit__multiplier *vit__panel_multiplier(const vit__tiles *tiles, vit_precision precision);

/* A call on a layer that is packed. */
typedef struct vit__panel_call {
    const vit__gemm_call *call;
    const vit__packed *packed;
    const vit__kernels *kernels;
} vit__panel_call;

/* Makes one row of the call's x ready: norms it if the call has a norm, and writes it to to[packed->words] in the type
 * that is multiplied. For int8, *scale says what the row's bytes stand for. room is memory for one row of f32. */
void vit__panel_take_row(const vit__panel_call *call, size_t row, float *room, uint32_t *to, vit__byte_scale *scale);

/* The products of rows row, ..., row + rows - 1 of the call with `width` columns of a panel, from `column` on. */
typedef struct vit__panel_sums {
    size_t panel, row, rows;
    size_t column, width;               /* 0 and VIT__PANEL; or a multiple of VIT__HANDED, and VIT__HANDED */
    size_t columns;                     /* how many of these columns are wanted: `width` or fewer */
    float *sums;                        /* [rows][width]; overwritten */
    const vit__byte_scale *byte_scales; /* int8: for all rows of the call, from row 0 on */
} vit__panel_sums;

/* Writes the call's y from the sums, by the call's epilogue. */
void vit__panel_finish(const vit__panel_call *call, const vit__panel_sums *sums);

#endif
