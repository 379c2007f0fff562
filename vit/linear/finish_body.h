/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the sums of a panel to a layer's outputs, included by kernels_body.h. The
 * number of columns is a constant, so that loops over them are a few vectors without
 * ends; the rows are few enough for each step to find them in the first-level cache.
 */
/* EACH is a loop, which clang-format cannot know. */
/* clang-format off */
#define EACH_COLUMN _Pragma("omp simd") for (size_t i = 0; i < VIT__PANEL; i++)

/* What the sums stand for, with bias. */
static void take_floats(const vit__panel_columns *columns, const vit__panel_rows *rows, float *x, size_t stride)
{
    const float *bias = columns->bias, *sums = rows->sums;
    for (size_t row = 0; row < rows->rows; row++, x += stride, sums += VIT__PANEL)
        EACH_COLUMN
            x[i] = sums[i] + bias[i];
}

static void take_bytes(const vit__panel_columns *columns, const vit__panel_rows *rows, float *x, size_t stride)
{
    const float *bias = columns->bias, *scales = columns->byte_scales;
    const int32_t *column_sums = columns->byte_sums;
    for (size_t row = 0; row < rows->rows; row++, x += stride) {
        /* unsigned: the zero point of a row with a NaN is any number, and its products wrap */
        uint32_t zero = (uint32_t)rows->byte_scales[row].zero;
        float scale = rows->byte_scales[row].scale;
        /* As the tiles wrote them. */
        const int32_t *sums = (const int32_t *)(const void *)(rows->sums + row * VIT__PANEL);
        EACH_COLUMN
            x[i] = scale * scales[i] * (float)(int32_t)((uint32_t)sums[i] - zero * (uint32_t)column_sums[i]) + bias[i];
    }
}

#define ACTIVATE_ROWS(function)                                                                                        \
    for (size_t row = 0; row < rows; row++, x += VIT__PANEL, y += stride)                                              \
        EACH_COLUMN                                                                                                    \
            y[i] = function(x[i]);

/* y may be x */
static void activate_rows(vit__activation activation, size_t rows, const float *x, float *y, size_t stride)
{
    switch (activation) {
        EACH_ACTIVATION(ACTIVATE_ROWS)
    }
}

/* GELUs may be off by 1e-4. */
static void activate_rows_roughly(vit__activation activation, size_t rows, const float *x, float *y, size_t stride)
{
    switch (activation) {
    case VIT__ACTIVATION_GELU:
        ACTIVATE_ROWS(rough_gelu)
        break;
    case VIT__ACTIVATION_GELU_TANH:
        ACTIVATE_ROWS(rough_gelu_tanh)
        break;
    default:
        activate_rows(activation, rows, x, y, stride);
    }
}

static void add_branches(const float *given_scale, const vit__panel_rows *rows)
{
    static const float ones[VIT__PANEL] = {ONES_64}, zeros[VIT__PANEL];
    const float *scale = given_scale ? given_scale : ones, *x = rows->sums;
    const float *residual = rows->residual ? rows->residual : zeros;
    size_t stride = rows->residual ? rows->residual_stride : 0;
    float *y = rows->y;
    for (size_t row = 0; row < rows->rows; row++, x += VIT__PANEL, y += rows->y_stride, residual += stride)
        EACH_COLUMN
            y[i] = residual[i] + scale[i] * x[i];
}

static void finish(const vit__panel_columns *columns, const vit__panel_rows *rows)
{
    bool active = columns->activation != VIT__ACTIVATION_NONE, branch = rows->residual || columns->scale;
    float *x = active || branch ? rows->sums : rows->y;
    (rows->byte_scales ? take_bytes : take_floats)(columns, rows, x, active || branch ? VIT__PANEL : rows->y_stride);
    if (active)
        (columns->rough ? activate_rows_roughly : activate_rows)(columns->activation, rows->rows, x,
                                                                 branch ? x : rows->y,
                                                                 branch ? VIT__PANEL : rows->y_stride);
    if (branch)
        add_branches(columns->scale, rows);
}

#undef EACH_COLUMN
