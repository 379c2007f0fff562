/* SPDX-License-Identifier: BSD-2-Clause */
/* Each compiled variant of the kernels against the formulas in double, on odd lengths and odd alignments. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define MAX 1100

/* Three units in the last place of the largest value: the kernels add in another order than the reference. */
#define TOLERANCE 4e-7

static float values[MAX + 16], other[MAX + 16], third[MAX + 16];
static const size_t lengths[] = {1, 2, 3, 15, 16, 17, 31, 48, 63, 64, 197, 255, 256, 257, 768, 1001};
#define LENGTHS (sizeof lengths / sizeof *lengths)

static void fill(float *x, size_t n, unsigned seed, float scale)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = scale * ((float)(seed >> 8) / 8388608.0f - 1.0f);
    }
}

/* The variants this processor runs; two levels may share one. */
static size_t levels(const vit__kernels *tables[3])
{
    size_t n = 0;
    unsigned flags;
    for (size_t i = 0; next_isa(&i, &flags);) {
        const vit__kernels *table = vit__kernels_get(flags);
        if (n == 0 || tables[n - 1] != table)
            tables[n++] = table;
    }
    return n;
}

static double activation(vit__activation kind, double x)
{
    switch (kind) {
    case VIT__ACTIVATION_GELU:
        return 0.5 * x * erfc(-x / sqrt(2));
    case VIT__ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case VIT__ACTIVATION_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case VIT__ACTIVATION_RELU:
        return x > 0 ? x : 0;
    case VIT__ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case VIT__ACTIVATION_TANH:
        return tanh(x);
    default:
        return x;
    }
}

static void check(const float *got, const double *want, size_t n, const char *what, const char *name)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(got[i] - want[i]));
        largest = fmax(largest, fabs(want[i]));
    }
    if (!(worst <= TOLERANCE * fmax(largest, 1)))
        fail_msg("%s, %s, n = %zu: error %g of %g", what, name, n, worst, largest);
}

static void layer_norm_is_the_formula(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    float got[MAX];
    double want[MAX];
    for (size_t level = levels(tables); level-- > 0;)
        for (size_t k = 0; k < LENGTHS; k++) {
            size_t n = lengths[k];
            const float *x = values + k % 5, *w = other + k % 3, *b = third + k % 2;
            double mean = 0, variance = 0;
            for (size_t i = 0; i < n; i++)
                mean += x[i] / (double)n;
            for (size_t i = 0; i < n; i++)
                variance += (x[i] - mean) * (x[i] - mean) / (double)n;
            for (size_t i = 0; i < n; i++)
                want[i] = (x[i] - mean) / sqrt(variance + 1e-6f) * w[i] + b[i];
            tables[level]->layer_norm(x, w, b, 1e-6f, n, got);
            check(got, want, n, "layer norm", tables[level]->name);
        }
}

static void softmax_is_the_formula(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    float got[MAX];
    double want[MAX];
    for (size_t level = levels(tables); level-- > 0;)
        for (size_t k = 0; k < LENGTHS; k++) {
            size_t n = lengths[k];
            double sum = 0, top = -INFINITY;
            for (size_t i = 0; i < n; i++) {
                got[i] = 40 * values[i]; /* far apart: most terms vanish, none overflows */
                top = fmax(top, got[i]);
            }
            for (size_t i = 0; i < n; i++)
                sum += want[i] = exp(got[i] - top);
            for (size_t i = 0; i < n; i++)
                want[i] /= sum;
            tables[level]->softmax(got, n);
            check(got, want, n, "softmax", tables[level]->name);
        }
}

static void epilogues_are_the_formula(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    float got[MAX];
    double want[MAX];
    for (size_t level = levels(tables); level-- > 0;)
        for (int kind = VIT__ACTIVATION_NONE; kind <= VIT__ACTIVATION_TANH; kind++)
            for (unsigned parts = 0; parts < 8; parts++)
                for (size_t k = 0; k < LENGTHS; k++) {
                    size_t n = lengths[k];
                    fill(got, n, 7, 1);
                    vit__epilogue_row row = {.activation = (vit__activation)kind,
                                             .bias = parts & 1 ? other : NULL,
                                             .scale = parts & 2 ? third : NULL,
                                             .residual = parts & 4 ? got : NULL};
                    for (size_t i = 0; i < n; i++) {
                        double y = activation(row.activation, values[i] * (double)1 + (row.bias ? other[i] : 0));
                        want[i] = (row.scale ? third[i] : 1) * y + (row.residual ? got[i] : 0);
                    }
                    tables[level]->epilogue(values, &row, n, got);
                    check(got, want, n, "epilogue", tables[level]->name);
                }
}

static void activations_hold_far_out(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    float x[] = {-200, -90, -30, -12, -6, -3, -1e-3f, -1e-20f, 0, 1e-20f, 1e-3f, 3, 6, 12, 30, 90, 200};
    enum { N = sizeof x / sizeof *x };
    float got[N];
    for (size_t level = levels(tables); level-- > 0;)
        for (int kind = VIT__ACTIVATION_NONE; kind <= VIT__ACTIVATION_TANH; kind++) {
            vit__epilogue_row row = {.activation = (vit__activation)kind};
            tables[level]->epilogue(x, &row, N, got);
            for (int i = 0; i < N; i++)
                if (!(fabs(got[i] - activation(row.activation, x[i])) <= TOLERANCE * fmax(1, fabsf(x[i]))))
                    fail_msg("activation %d of %g is %g (%s)", kind, x[i], got[i], tables[level]->name);
        }
}

/* GELUs for results of low precision: 1e-4 of a value up to 8, and of the value itself beyond. */
static void rough_activations_are_near(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    static const vit__activation kinds[] = {VIT__ACTIVATION_GELU, VIT__ACTIVATION_GELU_TANH};
    enum { N = 17 * VIT__PANEL };
    static const float zeros[VIT__PANEL];
    float x[N], sums[N], got[N];
    for (int i = 0; i < N; i++)
        x[i] = ((float)i - N / 2) / 49; /* -11 to 11 */
    for (size_t level = levels(tables); level-- > 0;)
        for (int k = 0; k < 2; k++) {
            vit__panel_columns columns = {.activation = kinds[k], .rough = true, .bias = zeros};
            vit__panel_rows rows = {.rows = N / VIT__PANEL, .sums = sums, .y = got, .y_stride = VIT__PANEL};
            memcpy(sums, x, sizeof sums);
            tables[level]->finish(&columns, &rows);
            for (int i = 0; i < N; i++)
                if (!(fabs(got[i] - activation(kinds[k], x[i])) <= 1e-4 * fmax(1, fabsf(x[i]) / 8)))
                    fail_msg("activation %d of %g is roughly %g (%s)", (int)kinds[k], x[i], got[i], tables[level]->name);
        }
}

/* A softmax in pieces: exponentials, what earlier sums are multiplied by, and the total. */
static void exponentials_in_pieces_are_a_softmax(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    for (size_t level = levels(tables); level-- > 0;)
        for (size_t k = 0; k < LENGTHS; k++) {
            size_t n = lengths[k], cut = n / 3;
            float x[MAX], top = -INFINITY, total = 0, scale = 0.25f;
            double want[MAX], sum = 0, largest = -INFINITY;
            memcpy(x, values, n * sizeof *x);
            for (size_t i = 0; i < n; i++)
                largest = fmax(largest, scale * (double)values[i]);
            for (size_t i = 0; i < n; i++)
                sum += want[i] = exp(scale * (double)values[i] - largest);
            if (cut > 0)
                assert_true(tables[level]->exponentials(x, cut, scale, &top, &total) == 0);
            float before = tables[level]->exponentials(x + cut, n - cut, scale, &top, &total);
            for (size_t i = 0; i < cut; i++)
                x[i] *= before;
            check(x, want, n, "exponentials", tables[level]->name);
            assert_true(fabs(total - sum) <= 5e-6 * sum); /* up to a thousand additions, one after the other in plain C */
        }
}

static float from_bf16(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void bf16_is_the_nearest(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    /* 1 + 1/256 lies halfway: to even, down; 1 + 3/256 up. The largest float rounds to infinity. */
    static const float special[] = {0, -0.0f, 1, 1.00390625f, 1.01171875f, 3.4e38f, 1e-40f, INFINITY, -INFINITY};
    static const uint16_t wanted[] = {0, 0x8000, 0x3F80, 0x3F80, 0x3F82, 0x7F80, 0x0001, 0x7F80, 0xFF80};
    uint16_t got[MAX];
    uint32_t pairs[MAX];
    for (size_t level = levels(tables); level-- > 0;) {
        tables[level]->to_bf16(special, 9, got);
        assert_memory_equal(got, wanted, sizeof wanted);
        for (size_t k = 0; k < LENGTHS; k++) {
            size_t n = lengths[k];
            tables[level]->to_bf16(values + k % 5, n, got);
            for (size_t i = 0; i < n; i++) /* 7 bits of fraction: half a unit is 2^-8 of the power of two below */
                assert_true(fabsf(from_bf16(got[i]) - values[k % 5 + i]) <= ldexpf(fabsf(values[k % 5 + i]), -8));
            tables[level]->pair_bf16(values + k % 5, values + k % 5, n, pairs);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(pairs[i], (uint32_t)got[i] * 0x10001u);
            tables[level]->pair_bf16(values + k % 5, NULL, n, pairs);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(pairs[i], got[i]);
        }
    }
}

static void bytes_span_the_row(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    uint8_t bytes[MAX];
    int8_t weights[MAX];
    for (size_t level = levels(tables); level-- > 0;)
        for (size_t k = 0; k < LENGTHS; k++) {
            size_t n = lengths[k];
            const float *x = values + k % 5;
            vit__byte_scale scale;
            tables[level]->to_int8(x, n, bytes, &scale);
            assert_in_range(scale.zero, 0, 255);
            for (size_t i = 0; i < n; i++) /* half a unit, and what moving the zero point costs */
                if (!(fabs((double)scale.scale * (bytes[i] - scale.zero) - x[i]) <= 1.001 * scale.scale))
                    fail_msg("%g as byte %d of scale %g (%s)", x[i], bytes[i], scale.scale, tables[level]->name);
            float unit = tables[level]->weights_to_int8(x, n, weights);
            for (size_t i = 0; i < n; i++)
                assert_true(fabs(unit * weights[i] - x[i]) <= 0.5001 * unit);
        }
}

/* Rows that are all zero, tiny, one-sided; rows with NaN or infinity, whose scale must say so. */
static void bytes_of_odd_rows(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    static const float rows[][4] = {{0, 0, 0, 0}, {1e-44f, -1e-44f, 0, 0}, {5, 6, 7, 8}, {-5, -6, -7, -8}};
    uint8_t bytes[4];
    for (size_t level = levels(tables); level-- > 0;) {
        vit__byte_scale scale;
        for (int r = 0; r < 4; r++) {
            tables[level]->to_int8(rows[r], 4, bytes, &scale);
            for (int i = 0; i < 4; i++)
                assert_true(fabs((double)scale.scale * (bytes[i] - scale.zero) - rows[r][i]) <= fmax(0.51 * scale.scale, 1e-43));
        }
        for (int i = 0; i < 3; i++) {
            float x[4] = {1, 2, (float[]){NAN, INFINITY, -INFINITY}[i], 3};
            int8_t weights[4];
            tables[level]->to_int8(x, 4, bytes, &scale);
            assert_true(isnan(scale.scale) || isinf(scale.scale));
            float unit = tables[level]->weights_to_int8(x, 4, weights);
            assert_true(isnan(unit) || isinf(unit));
        }
    }
}

#define ROWS 5

/* One row of a panel as it is to be finished: f32 sums, or sums of bytes. */
static double finished(const vit__panel_columns *columns, const vit__panel_rows *rows, size_t row, size_t i,
                       const int32_t *bytes)
{
    double x = rows->sums[row * VIT__PANEL + i];
    if (rows->byte_scales) {
        vit__byte_scale scale = rows->byte_scales[row];
        x = (double)scale.scale * columns->byte_scales[i] *
            (bytes[row * VIT__PANEL + i] - scale.zero * columns->byte_sums[i]);
    }
    double y = activation(columns->activation, x + columns->bias[i]);
    return (columns->scale ? columns->scale[i] : 1) * y +
           (rows->residual ? rows->residual[row * rows->residual_stride + i] : 0);
}

static void check_finish(const vit__kernels *table, int kind, unsigned parts)
{
    enum { STRIDE = 2 * VIT__PANEL + 1 };
    static const vit__byte_scale scales[ROWS] = {{0.003f, 117}, {0.001f, 0}, {0.002f, 255}, {0, 0}, {0.004f, 1}};
    float sums[ROWS * VIT__PANEL], y[ROWS * STRIDE];
    int32_t bytes[ROWS * VIT__PANEL], column_sums[VIT__PANEL];
    double want[VIT__PANEL * ROWS];
    for (int i = 0; i < ROWS * VIT__PANEL; i++)
        bytes[i] = (i * 7919) % 10003 - 5000;
    for (int i = 0; i < VIT__PANEL; i++)
        column_sums[i] = (i * 31) % 51 - 25;
    memcpy(sums, values, sizeof sums);
    fill(y, ROWS * STRIDE, 9, 1);
    vit__panel_columns columns = {.activation = (vit__activation)kind, .bias = third,
                                  .scale = parts & 1 ? other + 1 : NULL, .byte_scales = other, .byte_sums = column_sums};
    vit__panel_rows rows = {.rows = ROWS, .sums = sums, .byte_scales = parts & 2 ? scales : NULL,
                            .residual = parts & 4 ? y : NULL, .residual_stride = STRIDE, .y = y, .y_stride = STRIDE};
    for (size_t row = 0; row < ROWS; row++)
        for (size_t i = 0; i < VIT__PANEL; i++)
            want[row * VIT__PANEL + i] = finished(&columns, &rows, row, i, bytes);
    if (rows.byte_scales)
        memcpy(sums, bytes, sizeof sums);
    float beyond = y[VIT__PANEL];
    table->finish(&columns, &rows);
    for (size_t row = 0; row < ROWS; row++)
        check(y + row * STRIDE, want + row * VIT__PANEL, VIT__PANEL, "finish", table->name);
    assert_true(y[VIT__PANEL] == beyond);
}

static void panels_are_finished_as_the_formula(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    for (size_t level = levels(tables); level-- > 0;)
        for (int kind = VIT__ACTIVATION_NONE; kind <= VIT__ACTIVATION_TANH; kind++)
            for (unsigned parts = 0; parts < 8; parts++)
                check_finish(tables[level], kind, parts);
}

/* A NaN must reach the output, where it is refused, not turn into a number on the way. */
static void nan_stays_nan(void **state)
{
    (void)state;
    const vit__kernels *tables[3];
    for (size_t level = levels(tables); level-- > 0;)
        for (size_t n = 1; n < 40; n++) {
            float x[40], y[40];
            fill(x, n, 3, 1);
            x[n / 2] = NAN;
            for (int kind = VIT__ACTIVATION_NONE; kind <= VIT__ACTIVATION_TANH; kind++) {
                vit__epilogue_row row = {.activation = (vit__activation)kind};
                tables[level]->epilogue(x, &row, n, y);
                assert_true(isnan(y[n / 2]));
            }
            tables[level]->layer_norm(x, other, NULL, 1e-6f, n, y);
            assert_true(isnan(y[0]));
            tables[level]->softmax(x, n);
            assert_true(isnan(x[n / 2]));
        }
}

int main(void)
{
    fill(values, MAX + 16, 1, 4);
    fill(other, MAX + 16, 2, 1);
    fill(third, MAX + 16, 3, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_norm_is_the_formula), cmocka_unit_test(softmax_is_the_formula),
        cmocka_unit_test(epilogues_are_the_formula), cmocka_unit_test(activations_hold_far_out),
        cmocka_unit_test(nan_stays_nan), cmocka_unit_test(rough_activations_are_near),
        cmocka_unit_test(exponentials_in_pieces_are_a_softmax), cmocka_unit_test(bf16_is_the_nearest),
        cmocka_unit_test(bytes_span_the_row), cmocka_unit_test(bytes_of_odd_rows),
        cmocka_unit_test(panels_are_finished_as_the_formula)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
