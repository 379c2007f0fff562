/* SPDX-License-Identifier: BSD-2-Clause */
/* Each variant of the 8-bit loops gives the bytes of the plain one, on odd sizes, and keeps to what it may touch. */
#include "fixtures.h"

#include <stdlib.h>
#include <string.h>

#include "resize_kernels.h"

#define CANARY 0xA5

static const uint32_t sizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 85, 100, 224, 333};
static const vit_filter filters[] = {VIT_FILTER_LANCZOS, VIT_FILTER_BILINEAR, VIT_FILTER_BICUBIC, VIT_FILTER_BOX,
                                     VIT_FILTER_HAMMING};
#define SIZES (sizeof sizes / sizeof *sizes)

static uint64_t random_state = 2463534242u;

/* Noise in a block of its own, so that a sanitizer sees a read past its end. */
static uint8_t *noise(size_t n)
{
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(random_next(&random_state) >> 20);
    return bytes;
}

static void check_horizontal(const vit__taps *taps, const vit__resize_kernels *kernels)
{
    size_t size = 3 * taps->n;
    uint8_t *row = noise((size_t)3 * taps->inputs + VIT__ROW_SLACK), *want = malloc(size + VIT__ROW_SLACK);
    uint8_t *got = malloc(size + VIT__ROW_SLACK + 1);
    got[size + VIT__ROW_SLACK] = CANARY;
    vit__resize_kernels_c.horizontal(taps, row, want);
    kernels->horizontal(taps, row, got);
    assert_memory_equal(got, want, size);
    assert_int_equal(got[size + VIT__ROW_SLACK], CANARY);
    free(row);
    free(want);
    free(got);
}

static void check_vertical(const vit__taps *taps, const vit__resize_kernels *kernels, size_t n)
{
    uint8_t *lines = noise(n * ((size_t)taps->inputs + 1)), *want = malloc(n), *got = malloc(n + 1);
    const void **rows = malloc(((size_t)taps->inputs + 1) * sizeof *rows);
    got[n] = CANARY;
    for (size_t i = 0; i < taps->n; i++) {
        for (size_t k = 0; k <= taps->count[i]; k++)
            rows[k] = lines + n * (taps->first[i] + k);
        vit__resize_kernels_c.vertical(taps, i, rows, n, want);
        kernels->vertical(taps, i, rows, n, got);
        assert_memory_equal(got, want, n);
    }
    assert_int_equal(got[n], CANARY);
    free(lines);
    free(rows);
    free(want);
    free(got);
}

static void check_axis(const vit__axis *axis, const vit__resize_kernels *kernels)
{
    vit_error err = {0};
    vit__taps taps;
    size_t begin = axis->out / 3, n = axis->out - begin - axis->out / 5;
    assert_ok(vit__taps_init(&taps, axis, begin, n, &err), err);
    check_horizontal(&taps, kernels);
    check_vertical(&taps, kernels, 1 + (axis->in * 7 + axis->out) % 197);
    vit__taps_free(&taps);
}

static void same_bytes(void **state)
{
    (void)state;
    unsigned flags;
    for (size_t isa = 0; next_isa(&isa, &flags);) {
        const vit__resize_kernels *kernels = vit__resize_kernels_get(flags);
        for (size_t i = 0; i < SIZES * SIZES * 5; i++) {
            vit__axis axis;
            vit__weight_kind kind = i % 2 ? VIT__WEIGHTS_PILLOW : VIT__WEIGHTS_TORCH_INT16;
            vit__axis_init(&axis, sizes[i % SIZES], sizes[i / SIZES % SIZES], filters[i / SIZES / SIZES], kind);
            check_axis(&axis, kernels);
        }
    }
}

static void weights_add_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES * SIZES * 5; i++) {
        vit_error err = {0};
        vit__axis axis;
        vit__taps taps;
        uint32_t in = sizes[i % SIZES], out = sizes[i / SIZES % SIZES];
        vit__axis_init(&axis, in, out, filters[i / SIZES / SIZES], VIT__WEIGHTS_PILLOW);
        assert_ok(vit__taps_init(&taps, &axis, 0, axis.out, &err), err);
        for (size_t o = 0; o < taps.n; o++) {
            int64_t sum = 0;
            for (size_t k = 0; k < taps.stride; k++)
                sum += taps.high[o * taps.stride + k] * (1 << VIT__LOW_BITS) + taps.low[o * taps.stride + k];
            /* each weight is rounded by at most a half */
            assert_true(labs(sum - (1 << taps.bits)) <= (long)(taps.count[o] + 1) / 2);
            assert_true(taps.count[o] <= axis.window);
            assert_true(taps.first[o] + taps.count[o] <= taps.inputs);
        }
        vit__taps_free(&taps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes), cmocka_unit_test(weights_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
