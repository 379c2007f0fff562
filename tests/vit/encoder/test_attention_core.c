/* SPDX-License-Identifier: BSD-2-Clause */
/* The core of attention against its formula in double, at each precision and instruction set: one block
 * of keys and several, heads narrower and wider than a panel, a causal mask, relative positions. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attention_core.h"

typedef struct shape {
    size_t queries, keys, head_dim;
    bool causal, relative;
    bool biased; /* a bias as it is, instead of an index into a table */
} shape;

static const shape shapes[] = {
    {1, 1, 1, false, false, false},     {5, 5, 3, false, false, false},      {49, 50, 64, false, false, false},
    {197, 197, 64, false, true, false}, {7, 77, 80, false, false, false},    {77, 77, 64, true, false, false},
    {60, 600, 32, false, true, false},  {50, 1100, 72, false, false, false}, {204, 1025, 16, true, false, false},
    {49, 49, 32, false, false, true},   {60, 576, 32, false, false, true},
};

#define TABLE 97 /* entries of relative positions */

static float *random_floats(size_t n, unsigned seed)
{
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = ((float)(seed >> 8) / 8388608.0f - 1.0f) * 2;
    }
    return x;
}

static void formula(const vit__core_call *c, size_t query, double *y)
{
    double *scores = malloc(c->keys * sizeof *scores), total = 0, top = -INFINITY;
    size_t seen = c->causal && c->first_query + query + 1 < c->keys ? c->first_query + query + 1 : c->keys;
    for (size_t key = 0; key < seen; key++) {
        scores[key] = 0;
        for (size_t i = 0; i < c->head_dim; i++)
            scores[key] += (double)c->q[query * c->stride + i] * c->k[key * c->stride + i];
        scores[key] = scores[key] * c->scale +
                      (c->relative ? c->relative[c->relative_index[query * c->keys + key]] : 0) +
                      (c->bias ? c->bias[query * c->bias_row + key] : 0);
        top = fmax(top, scores[key]);
    }
    memset(y, 0, c->head_dim * sizeof *y);
    for (size_t key = 0; key < seen; key++) {
        double share = exp(scores[key] - top);
        total += share;
        for (size_t i = 0; i < c->head_dim; i++)
            y[i] += share * c->v[key * c->stride + i];
    }
    for (size_t i = 0; i < c->head_dim; i++)
        y[i] /= total;
    free(scores);
}

/* Values are up to 2. f32: tens of roundings. bf16: each q, k, v and share is off by up to 2^-9; scores of d products
 * of up to 4 by some hundredths where they are largest, and their exponentials in proportion. Split: by 2^-17. */
static const double tolerances[] = {[VIT__CORE_F32] = 5e-6, [VIT__CORE_BF16] = 5e-2, [VIT__CORE_SPLIT] = 2e-4};

static void check_shape(const shape *s, vit__core_numbers numbers, unsigned flags)
{
    size_t stride = 3 * s->head_dim + 2, rows = s->keys > s->queries ? s->keys : s->queries;
    float *qkv = random_floats(rows * stride, 4), *table = random_floats(TABLE, 5);
    float *y = calloc(s->queries * s->head_dim, sizeof *y), *bias = random_floats(s->queries * (s->keys + 3), 6);
    uint32_t *index = malloc(s->queries * s->keys * sizeof *index);
    for (size_t i = 0; i < s->queries * s->keys; i++)
        index[i] = (uint32_t)(i * 31 % TABLE);
    float *scratch = malloc(vit__core_scratch(s->keys, s->head_dim) * sizeof *scratch);
    memset(scratch, 0xFF,
           vit__core_scratch(s->keys, s->head_dim) * sizeof *scratch); /* NaN: nothing unwritten is read */
    vit__core_call call = {.numbers = numbers,
                           .q = qkv,
                           .k = qkv + s->head_dim,
                           .v = qkv + 2 * s->head_dim,
                           .stride = stride,
                           .queries = s->queries,
                           .keys = s->keys,
                           .head_dim = s->head_dim,
                           .scale = 1 / sqrtf((float)s->head_dim),
                           .relative = s->relative ? table : NULL,
                           .relative_index = index,
                           .relative_row = (ptrdiff_t)s->keys,
                           .bias = s->biased ? bias : NULL,
                           .bias_row = s->keys + 3,
                           .causal = s->causal,
                           .y = y,
                           .y_stride = s->head_dim};
    vit__tiles tiles = vit__tiles_get(flags);
    vit__core_attend(&call, vit__kernels_get(flags), &tiles, scratch);
    double worst = 0, want[128];
    for (size_t query = 0; query < s->queries; query++) {
        formula(&call, query, want);
        for (size_t i = 0; i < s->head_dim; i++)
            worst = fmax(worst, fabs(y[query * s->head_dim + i] - want[i]));
    }
    if (!(worst < tolerances[numbers]))
        fail_msg("%zu queries, %zu keys of %zu, numbers %d, instructions %x: error %g", s->queries, s->keys,
                 s->head_dim, (int)numbers, flags, worst);
    free(qkv);
    free(table);
    free(bias);
    free(y);
    free(index);
    free(scratch);
}

static void attention_is_the_formula(void **state)
{
    (void)state;
    unsigned flags;
    for (size_t isa = 0; next_isa(&isa, &flags);)
        for (int numbers = VIT__CORE_F32; numbers <= VIT__CORE_SPLIT; numbers++)
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                check_shape(&shapes[i], (vit__core_numbers)numbers, flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention_is_the_formula)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
