/* SPDX-License-Identifier: BSD-2-Clause */
/* What back ends that multiply packed panels share: rows on their way in, sums of a panel on their way out. */
#ifndef VIT_PANEL_H
#define VIT_PANEL_H

#include "gemm.h"
#include "packed.h"

/* The tiles' loop for the precision. */
const vit__multiplier *vit__panel_multiplier(const vit__tiles *tiles, vit_precision precision);

/* A call on a packed layer. */
typedef struct vit__panel_call {
    const vit__gemm_call *call;
    const vit__packed *packed;
    const vit__kernels *kernels;
} vit__panel_call;

/* to[packed->words] = row `row` of the call, normed where it asks for it, as what is multiplied; int8: scale = what its
 * bytes stand for. room is for a row of f32. */
void vit__panel_take_row(const vit__panel_call *call, size_t row, float *room, uint32_t *to, vit__byte_scale *scale);

/* Rows row ... row + rows - 1 by `width` columns of a panel, from `column` on. */
typedef struct vit__panel_sums {
    size_t panel, row, rows;
    size_t column, width;               /* 0 and VIT__PANEL; or a multiple of VIT__HANDED, and VIT__HANDED */
    size_t columns;                     /* of these that are wanted, `width` or fewer */
    float *sums;                        /* [rows][width]; overwritten */
    const vit__byte_scale *byte_scales; /* int8: of the call's rows, from the first on */
} vit__panel_sums;

/* sums -> y of the call, by its epilogue */
void vit__panel_finish(const vit__panel_call *call, const vit__panel_sums *sums);

#endif
