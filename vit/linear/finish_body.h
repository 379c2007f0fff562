/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the sums of a panel to a layer's outputs, included by kernels_body.h. The
 * number of columns is a constant after inlining, so that loops over them are a few vectors
 * without ends; the rows are few enough for each step to find them in the first-level cache.
 */
/* EACH is a loop, which clang-format cannot know. */
/* clang-format off */
#define EACH_COLUMN _Pragma("omp simd") for (size_t i = 0; i < width; i++)
#define FOR_A_WIDTH static inline __attribute__((always_inline))

/* What the sums stand for, with bias. */
FOR_A_WIDTH void take_floats(const vit__panel_columns *columns, const vit__panel_rows *rows, size_t width, float *x,
                             size_t stride)
{
    const float *bias = columns->bias, *sums = rows->sums;
    for (size_t row = 0; row < rows->rows; row++, x += stride, sums += width)
        EACH_COLUMN
            x[i] = sums[i] + bias[i];
}

/* What the tiles left out of a row's sums: its largest value. */
typedef struct largest_value {
    uint32_t units;
    const uint32_t *words; /* [VIT__PANEL]: its weights, among others */
    unsigned above;        /* bits of a word above them */
} largest_value;

static largest_value largest_of(const vit__panel_columns *columns, const vit__byte_scale *scale)
{
    return (largest_value){(uint32_t)scale->units, columns->words + (size_t)(scale->largest / 4) * VIT__PANEL,
                           24 - scale->largest % 4 * 8};
}

FOR_A_WIDTH void take_bytes(const vit__panel_columns *columns, const vit__panel_rows *rows, size_t width, float *x,
                            size_t stride)
{
    const float *bias = columns->bias, *scales = columns->byte_scales;
    const int32_t *column_sums = columns->byte_sums;
    for (size_t row = 0; row < rows->rows; row++, x += stride) {
        /* unsigned: the zero point of a row with a NaN is any number, and its products wrap */
        uint32_t zero = (uint32_t)rows->byte_scales[row].zero;
        float scale = rows->byte_scales[row].scale;
        largest_value large = largest_of(columns, &rows->byte_scales[row]);
        /* As the tiles wrote them. */
        const int32_t *sums = (const int32_t *)(const void *)(rows->sums + row * width);
        EACH_COLUMN {
            int32_t weight = (int32_t)(large.words[i] << large.above) >> 24;
            uint32_t sum = (uint32_t)sums[i] - zero * (uint32_t)column_sums[i] + large.units * (uint32_t)weight;
            x[i] = scale * scales[i] * (float)(int32_t)sum + bias[i];
        }
    }
}

#define ACTIVATE_ROWS(function)                                                                                        \
    for (size_t row = 0; row < rows; row++, x += width, y += stride)                                                   \
        EACH_COLUMN                                                                                                    \
            y[i] = function(x[i]);

/* y may be x */
FOR_A_WIDTH void activate_rows(vit__activation activation, size_t rows, size_t width, const float *x, float *y,
                               size_t stride)
{
    switch (activation) {
        EACH_ACTIVATION(ACTIVATE_ROWS)
    }
}

/* GELUs may be off by 1e-4. */
FOR_A_WIDTH void activate_rows_roughly(vit__activation activation, size_t rows, size_t width, const float *x, float *y,
                                       size_t stride)
{
    switch (activation) {
    case VIT__ACTIVATION_GELU:
        ACTIVATE_ROWS(rough_gelu)
        break;
    case VIT__ACTIVATION_GELU_TANH:
        ACTIVATE_ROWS(rough_gelu_tanh)
        break;
    default:
        activate_rows(activation, rows, width, x, y, stride);
    }
}

FOR_A_WIDTH void add_branches(const float *given_scale, const vit__panel_rows *rows, size_t width)
{
    static const float ones[VIT__PANEL] = {ONES_64}, zeros[VIT__PANEL];
    const float *scale = given_scale ? given_scale : ones, *x = rows->sums;
    const float *residual = rows->residual ? rows->residual : zeros;
    size_t stride = rows->residual ? rows->residual_stride : 0;
    float *y = rows->y;
    for (size_t row = 0; row < rows->rows; row++, x += width, y += rows->y_stride, residual += stride)
        EACH_COLUMN
            y[i] = residual[i] + scale[i] * x[i];
}

FOR_A_WIDTH void finish_width(const vit__panel_columns *columns, const vit__panel_rows *rows, size_t width)
{
    bool active = columns->activation != VIT__ACTIVATION_NONE, branch = rows->residual || columns->scale;
    float *x = active || branch ? rows->sums : rows->y, *y = branch ? x : rows->y;
    size_t x_stride = active || branch ? width : rows->y_stride, y_stride = branch ? width : rows->y_stride;
    if (rows->byte_scales)
        take_bytes(columns, rows, width, x, x_stride);
    else
        take_floats(columns, rows, width, x, x_stride);
    if (active && columns->rough)
        activate_rows_roughly(columns->activation, rows->rows, width, x, y, y_stride);
    else if (active)
        activate_rows(columns->activation, rows->rows, width, x, y, y_stride);
    if (branch)
        add_branches(columns->scale, rows, width);
}

static void finish(const vit__panel_columns *columns, const vit__panel_rows *rows)
{
    if (columns->width == VIT__PANEL)
        finish_width(columns, rows, VIT__PANEL);
    else
        finish_width(columns, rows, VIT__HANDED);
}

#undef EACH_COLUMN
#undef FOR_A_WIDTH
