/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of a tensor as f32, against the definition of each format in ldexp. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensors.h"

#define ALL_HALVES 65536

/* sign, exponent_bits, fraction_bits: IEEE 754's own formula, in double, where it is exact. NaN for NaN. */
static double value_of(uint32_t bits, int exponent_bits, int fraction_bits)
{
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (int)(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = (double)(bits & ((1u << fraction_bits) - 1)) / (1u << fraction_bits);
    const double sign = bits >> (exponent_bits + fraction_bits) & 1 ? -1 : 1;
    if (exponent == 2 * bias + 1)
        return fraction > 0 ? NAN : sign * INFINITY;
    return sign * (exponent == 0 ? ldexp(fraction, 1 - bias) : ldexp(1 + fraction, exponent - bias));
}

static vit__tensor tensor_of(vit__dtype dtype, const void *data, size_t n, size_t width)
{
    return (vit__tensor){
        .name = "t", .dtype_name = "?", .dtype = dtype, .rank = 1, .shape = {n}, .data = data, .size = n * width};
}

static void check_halves(vit__dtype dtype, int exponent_bits, int fraction_bits)
{
    uint8_t *data = malloc(2 * ALL_HALVES + 1); /* one byte off: nothing says that the file aligns it */
    float *floats = malloc(ALL_HALVES * sizeof *floats);
    assert_true(data && floats);
    for (uint32_t i = 0; i < ALL_HALVES; i++)
        memcpy(data + 1 + 2 * i, &(uint16_t){(uint16_t)i}, 2);
    const vit__tensor tensor = tensor_of(dtype, data + 1, ALL_HALVES, 2);
    assert_true(vit__tensor_read(&tensor, 0, ALL_HALVES, floats));
    for (uint32_t i = 0; i < ALL_HALVES; i++) {
        const double want = value_of(i, exponent_bits, fraction_bits);
        if (isnan(want) ? !isnan(floats[i]) : (double)floats[i] != want)
            fail_msg("bits %04x: got %a, want %a", (unsigned)i, (double)floats[i], want);
        assert_int_equal(signbit(floats[i]) != 0, i >> 15);
    }
    free(floats);
    free(data);
}

static void every_f16_is_exact(void **state)
{
    (void)state;
    check_halves(VIT__DTYPE_F16, 5, 10);
}

static void every_bf16_is_exact(void **state)
{
    (void)state;
    check_halves(VIT__DTYPE_BF16, 8, 7);
}

/* Ties go to even; halfway past the largest f32 becomes infinity; below half the smallest subnormal, zero. */
static void f64_rounds_to_nearest(void **state)
{
    (void)state;
    static const struct {
        double from;
        float to;
    } cases[] = {{1, 1},
                 {-0.0, -0.0f},
                 {1 + 0x1p-24, 1},
                 {1 + 0x1.8p-23, 1 + 0x1p-22f},
                 {1 + 0x1.000002p-24, 1 + 0x1p-23f},
                 {0x1.fffffefffffffp127, FLT_MAX},
                 {0x1.ffffffp127, INFINITY},
                 {-1e300, -INFINITY},
                 {INFINITY, INFINITY},
                 {0x1p-149, 0x1p-149f},
                 {0x1p-150, 0},
                 {0x1.8p-150, 0x1p-149f},
                 {1e-300, 0}};
    enum { N = sizeof cases / sizeof *cases };
    uint8_t data[N * 8 + 4];
    float floats[N];
    for (size_t i = 0; i < N; i++)
        memcpy(data + 4 + 8 * i, &cases[i].from, 8);
    const vit__tensor tensor = tensor_of(VIT__DTYPE_F64, data + 4, N, 8);
    assert_true(vit__tensor_read(&tensor, 0, N, floats));
    for (size_t i = 0; i < N; i++)
        if (memcmp(&floats[i], &cases[i].to, sizeof *floats) != 0)
            fail_msg("%a: got %a, want %a", cases[i].from, (double)floats[i], (double)cases[i].to);
}

static void f32_is_viewed_where_it_is_aligned(void **state)
{
    (void)state;
    _Alignas(float) uint8_t data[3 * 4 + 1] = {0};
    const float want[3] = {1.5f, -2, FLT_MIN / 4};
    float floats[3];
    memcpy(data, want, sizeof want);
    vit__tensor tensor = tensor_of(VIT__DTYPE_F32, data, 3, 4);
    assert_ptr_equal(vit__tensor_view(&tensor), data);
    memmove(data + 1, data, sizeof want);
    tensor.data = data + 1;
    assert_null(vit__tensor_view(&tensor));
    assert_true(vit__tensor_read(&tensor, 0, 3, floats));
    assert_memory_equal(floats, want, sizeof want);
    tensor = tensor_of(VIT__DTYPE_I32, data, 3, 4);
    assert_null(vit__tensor_view(&tensor));
}

/* Any part of a tensor, longer than a block of the conversion, and nothing past its end. */
static void parts_are_read(void **state)
{
    (void)state;
    enum { N = 1300 };
    uint16_t data[N];
    float all[N], part[N + 1];
    for (size_t i = 0; i < N; i++)
        data[i] = (uint16_t)(i * 37);
    const vit__tensor tensor = tensor_of(VIT__DTYPE_F16, data, N, 2);
    assert_true(vit__tensor_read(&tensor, 0, N, all));
    static const size_t firsts[] = {0, 1, 511, 512, 700, N}, counts[] = {0, 1, 511, 513, 600};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 5; k++) {
            const size_t first = firsts[i], n = counts[k];
            part[n] = 12345;
            assert_true(vit__tensor_read(&tensor, first, n, part) == (first + n <= N));
            assert_true(part[n] == 12345);
            if (first + n <= N)
                assert_memory_equal(part, all + first, n * sizeof *part);
        }
    assert_false(vit__tensor_read(&tensor, 1, SIZE_MAX, part));
    assert_false(vit__tensor_read(&tensor, SIZE_MAX, 1, part));
}

static void integers_are_no_floats(void **state)
{
    (void)state;
    static const vit__dtype dtypes[] = {VIT__DTYPE_I8, VIT__DTYPE_U8, VIT__DTYPE_I32, VIT__DTYPE_I64, VIT__DTYPE_OTHER};
    const uint64_t data[1] = {0};
    float out;
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        const vit__tensor tensor = tensor_of(dtypes[i], data, 1, 8);
        assert_false(vit__tensor_read(&tensor, 0, 1, &out));
    }
}

static void shapes_fit_any_room(void **state)
{
    (void)state;
    const vit__tensor tensor = {.rank = 3, .shape = {768, 3, SIZE_MAX}};
    const char whole[] = "[768, 3, 18446744073709551615]";
    for (size_t room = 1; room <= sizeof whole; room++) {
        char *text = malloc(room);
        assert_non_null(text);
        vit__tensor_shape_text(&tensor, text, room);
        assert_int_equal(strlen(text), room - 1);
        assert_memory_equal(text, whole, room - 1);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_f16_is_exact),    cmocka_unit_test(every_bf16_is_exact),
        cmocka_unit_test(f64_rounds_to_nearest), cmocka_unit_test(f32_is_viewed_where_it_is_aligned),
        cmocka_unit_test(parts_are_read),        cmocka_unit_test(integers_are_no_floats),
        cmocka_unit_test(shapes_fit_any_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
