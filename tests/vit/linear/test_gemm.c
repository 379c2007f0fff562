/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear layers against a naive loop in double; and the promise that a row's bits know neither batch nor threads. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"

typedef struct shape {
    size_t inputs, rows, parts[VIT__LINEAR_PARTS];
} shape;

/* Odd sizes, one row, single column, several tiles in both directions. */
static const shape shapes[] = {{1, 1, {1}},         {45, 26, {45, 45, 45}}, {48, 37, {100}},
                               {768, 1, {768}},     {64, 300, {1000}},      {192, 65, {576}},
                               {100, 5, {385, 17}}, {33, 257, {770}},       {63, 130, {128}}};
#define CUTS 7
#define GAP 5 /* floats between a row of x and the next */

static float *random_floats(size_t n, unsigned seed)
{
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

typedef struct layer {
    vit__linear linear;
    float *weight, *bias, *scale;
} layer;

static layer make_layer(const shape *s)
{
    layer l = {.linear = {.inputs = s->inputs}};
    for (size_t i = 0; i < VIT__LINEAR_PARTS && s->parts[i]; i++, l.linear.n_parts++)
        l.linear.outputs += s->parts[i];
    l.weight = random_floats(l.linear.outputs * s->inputs, 11);
    l.bias = random_floats(l.linear.outputs, 12);
    l.scale = random_floats(l.linear.outputs, 13);
    for (size_t i = 0, row = 0; i < l.linear.n_parts; row += s->parts[i++])
        l.linear.parts[i] = (vit__linear_part){l.weight + row * s->inputs, l.bias + row, s->parts[i]};
    return l;
}

static void free_layer(layer *l)
{
    free(l->weight);
    free(l->bias);
    free(l->scale);
}

/* A back end, a precision, and an instruction set. */
typedef struct way {
    const vit__gemm *gemm;
    vit_precision precision;
    unsigned flags; /* of the instruction set */
} way;

static void prepare(const way *w, layer *l)
{
    vit_error err = {0};
    l->linear.precision = w->precision;
    vit__pool *pool;
    assert_ok(vit__pool_create(2, &pool, &err), err);
    assert_ok(w->gemm->prepare(&l->linear, pool, &err), err);
    vit__pool_free(pool);
}

/* What a call is about, besides the layer. */
typedef struct run_of {
    size_t rows;
    unsigned threads;
    const vit__norm_weights *norm;
} run_of;

/* x[rows][K + GAP] -> y[rows][N], in two calls: the first panel of outputs, then the others. */
static void run(const way *w, const layer *l, run_of r, const float *x, float *y)
{
    const vit__gemm *gemm = w->gemm;
    size_t k = l->linear.inputs, n = l->linear.outputs;
    vit_error err = {0};
    vit__workers workers = {.kernels = vit__kernels_get(w->flags), .tiles = vit__tiles_get(w->flags)};
    assert_ok(vit__pool_create(r.threads, &workers.pool, &err), err);
    size_t room = gemm->room ? gemm->room(&l->linear) : 1;
    workers.operand = malloc((gemm->operand(&l->linear) * r.rows + room) * sizeof(float));
    workers.scratch_size = gemm->scratch(&l->linear, r.rows);
    workers.scratch = malloc(workers.scratch_size * r.threads * sizeof(float));
    vit__gemm_call call = {
        .linear = &l->linear,
        .x = x,
        .norm = r.norm,
        .y = y,
        .rows = r.rows,
        .x_row = k + GAP,
        .y_row = n,
        .epilogue = {.activation = VIT__ACTIVATION_GELU, .scale = l->scale, .residual = y, .residual_row = n}};
    if (n > VIT__PANEL) {
        call.n_outputs = VIT__PANEL;
        gemm->apply(&call, &workers);
        call.first_output = VIT__PANEL;
        call.n_outputs = 0;
    }
    gemm->apply(&call, &workers);
    free(workers.scratch);
    free(workers.operand);
    vit__pool_free(workers.pool);
}

/* The values that are multiplied in x's or w's place: rows [n, K], `stride` apart, as the precision holds them. */
static void round_rows(const way *w, size_t n, size_t inputs, size_t stride, float *rows)
{
    const vit__kernels *kernels = vit__kernels_get(0);
    vit_precision precision = w->precision;
    bool weights = stride == inputs;
    uint16_t *halves = malloc(inputs * sizeof *halves);
    for (size_t row = 0; row < n && precision != VIT_PRECISION_F32; row++) {
        float *x = rows + row * stride;
        vit__byte_scale scale = {0};
        if (precision == VIT_PRECISION_BF16)
            kernels->to_bf16(x, inputs, halves);
        else if (weights)
            scale.scale = kernels->weights_to_int8(x, inputs, (int8_t *)halves);
        else
            kernels->to_int8(x, inputs, (uint8_t *)halves, &scale);
        for (size_t i = 0; i < inputs; i++) {
            uint32_t bits = (uint32_t)halves[i] << 16;
            if (precision == VIT_PRECISION_BF16)
                memcpy(x + i, &bits, sizeof bits);
            else if (weights)
                x[i] = scale.scale * (float)((const int8_t *)halves)[i];
            else
                x[i] = scale.scale * (float)vit__byte_units(&scale, (const uint8_t *)halves, i);
        }
    }
    free(halves);
}

static void each_way(void (*check)(const way *w, const shape *s))
{
    unsigned flags;
    for (size_t isa = 0; next_isa(&isa, &flags);)
        for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++)
            for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
                way w = {vit__gemm_tiles(), (vit_precision)precision, flags};
                check(&w, &shapes[k]);
            }
}

/* Of the largest value. f32: sums of up to 768 products, a few hundred roundings of 6e-8, mostly cancelling. bf16: the
 * same, and a GELU that may be off by 1e-4. int8: besides, a value of x that lies between two bytes may take either, as
 * the instructions round; one unit of one byte in hundreds is 1e-4 of a small sum. */
static const double tolerances[] = {
    [VIT_PRECISION_F32] = 2e-6, [VIT_PRECISION_BF16] = 1e-4, [VIT_PRECISION_INT8] = 1e-3};

static void norm_rows(const vit__norm_weights *norm, size_t n, size_t inputs, float *x)
{
    for (size_t row = 0; norm && norm->weight && row < n; row++)
        vit__norm_row(vit__kernels_get(0), norm, inputs, x + row * (inputs + GAP), x + row * (inputs + GAP));
}

static void check_formula_with(const way *w, const shape *s, const vit__norm_weights *norm)
{
    layer l = make_layer(s);
    prepare(w, &l);
    size_t n = l.linear.outputs, size = s->rows * n, stride = s->inputs + GAP;
    float *x = random_floats(s->rows * stride, 5), *y = random_floats(size, 6), *want = random_floats(size, 6);
    run(w, &l, (run_of){s->rows, 2, norm}, x, y);
    norm_rows(norm, s->rows, s->inputs, x);
    round_rows(w, s->rows, s->inputs, stride, x);
    round_rows(w, n, s->inputs, s->inputs, l.weight);
    for (size_t row = 0; row < s->rows; row++)
        for (size_t out = 0; out < n; out++) {
            double sum = l.bias[out];
            for (size_t i = 0; i < s->inputs; i++)
                sum += (double)x[row * stride + i] * l.weight[out * s->inputs + i];
            want[row * n + out] += (float)(l.scale[out] * 0.5 * sum * erfc(-sum / sqrt(2)));
        }
    double error = relative_error(y, want, size);
    if (!(error < tolerances[w->precision]))
        fail_msg("%s, precision %d, instructions %x, %zu x %zu%s: error %g", w->gemm->name, (int)w->precision, w->flags,
                 s->rows, s->inputs, norm ? ", normed" : "", error);
    free(x);
    free(y);
    free(want);
    w->gemm->release(&l.linear);
    free_layer(&l);
}

static void check_formula(const way *w, const shape *s)
{
    float *weights = random_floats(s->inputs, 7), *bias = random_floats(s->inputs, 8);
    vit__norm_weights norm = {weights, bias, 1e-6f, VIT__NORM_LAYER}, none = {0};
    check_formula_with(w, s, NULL);
    check_formula_with(w, s, &none);
    check_formula_with(w, s, &norm);
    free(weights);
    free(bias);
}

static void layers_are_the_formula(void **state)
{
    (void)state;
    each_way(check_formula);
}

/* All rows on two threads give the bits of the same rows in pieces, on one to three. */
static void check_bits(const way *w, const shape *s)
{
    layer l = make_layer(s);
    prepare(w, &l);
    size_t rows = s->rows * CUTS, stride = s->inputs + GAP, size = rows * l.linear.outputs;
    float *x = random_floats(rows * stride, 5), *together = random_floats(size, 6);
    run(w, &l, (run_of){rows, 2, NULL}, x, together);
    for (unsigned threads = 1; threads <= 3; threads++) {
        float *pieces = random_floats(size, 6);
        for (size_t row = 0; row < rows; row += s->rows)
            run(w, &l, (run_of){s->rows, threads, NULL}, x + row * stride, pieces + row * l.linear.outputs);
        assert_memory_equal(pieces, together, size * sizeof *pieces);
        free(pieces);
    }
    free(x);
    free(together);
    w->gemm->release(&l.linear);
    free_layer(&l);
}

static void bits_know_neither_other_rows_nor_threads(void **state)
{
    (void)state;
    each_way(check_bits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layers_are_the_formula),
                                       cmocka_unit_test(bits_know_neither_other_rows_nor_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
