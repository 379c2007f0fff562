/* SPDX-License-Identifier: BSD-2-Clause */
/* What AMX computes, in plain C: order, rounding and odd values, as a Granite Rapids gave them; and, where there is a
 * matrix unit, that it gives the same. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tiles.h"
#include "tiles_amx_in_c.h"

#define PAIRS 16 /* words of a row */

static float bits(uint32_t word)
{
    float x;
    memcpy(&x, &word, sizeof x);
    return x;
}

static uint32_t word_of(float x)
{
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    return word;
}

/* Two values that are bfloat16 already. */
static uint32_t pair(float first, float second)
{
    return word_of(first) >> 16 | (word_of(second) & 0xFFFF0000u);
}

/* Sums 0, rows 1, weights 2: of one row, one column, and n words. */
static void shape_one(size_t n)
{
    tile_config config = {.palette = 1};
    config.rows[0] = config.rows[1] = 1;
    config.rows[2] = (uint8_t)n;
    config.row_bytes[0] = config.row_bytes[2] = 4;
    config.row_bytes[1] = (uint16_t)(4 * n);
    tile_configure(&config);
}

static float product(float sum, const uint32_t *rows, const uint32_t *weights, size_t n)
{
    shape_one(n);
    tile_load(0, &sum, 4);
    tile_load(1, rows, 4 * n);
    tile_load(2, weights, 4);
    tile_multiply_bf16(0, 1, 2);
    tile_store(0, &sum, 4);
    tile_release();
    return sum;
}

/* sum + a * b + c * d */
static float one(float sum, float a, float b, float c, float d)
{
    const uint32_t row = pair(a, c), weights = pair(b, d);
    return product(sum, &row, &weights, 1);
}

/* Also of zeros their signs. */
static void assert_same(float got, uint32_t want)
{
    assert_int_equal(word_of(got), want);
}

static void small_magnitudes_are_zero(void **state)
{
    (void)state;
    const float least = 0x1p-126f;
    assert_same(one(bits(1), 0, 1, 0, 1), 0);                 /* a subnormal sum */
    assert_same(one(0, bits(0x00010000), 1, 0, 1), 0);        /* a subnormal input */
    assert_same(one(0, bits(0x00400000), 0x1p100f, 0, 1), 0); /* and nothing comes of them, however large the other */
    assert_same(one(0x1.8p-126f, -least, 1, 0, 1), 0);        /* a subnormal result */
    assert_same(one(least, 1, least, 0, 1), word_of(2 * least));
    assert_same(one(0, 0x1p-100f, 0x1p-60f, 0, 1), 0);
    const float tiny = 0x1p-80f;                                 /* its square is 2^-160 */
    assert_same(one(-0.0f, -tiny, tiny, -tiny, tiny), 1u << 31); /* the sign stays, in all three sums */
    assert_same(one(bits(0x80000001), -tiny, tiny, -tiny, tiny), 1u << 31);
    assert_same(one(0, -tiny, tiny, -tiny, tiny), 0);
}

/* Rounding is as if exponents had no lower end: what rounds to 2^-126 stays, although it is less. */
static void results_are_rounded_before_they_count_as_small(void **state)
{
    (void)state;
    const float least = 0x1p-126f;
    assert_same(tile_round((double)least * (1 - 0x1p-24)), 0);
    assert_same(tile_round((double)least * (1 - 0x1p-25)), word_of(least));
    assert_same(tile_round(-(double)least * (1 - 0x1p-24)), 1u << 31);
    assert_same(tile_round(-(double)least * (1 - 0x1p-25)), word_of(-least));
}

/* First values, then second values, then both to the sum; ties go to even. */
static void sums_have_an_order(void **state)
{
    (void)state;
    const float big = 0x1p24f;
    uint32_t rows[PAIRS], weights[PAIRS];
    for (size_t i = 0; i < PAIRS; i++) {
        rows[i] = pair(1, i == 0 ? -big : 0);
        weights[i] = pair(i == 0 ? big : 1, 1);
    }
    assert_same(product(0, rows, weights, PAIRS), 0);          /* 2^24 + 1 + 1 ...: each 1 is lost */
    assert_same(product(1, rows, weights, PAIRS), word_of(1)); /* and is not in the sum until the end */
    assert_same(one(big, 1, 1, 0, 1), word_of(big));
    assert_same(one(big + 2, 1, 1, 0, 1), word_of(big + 4));
    assert_same(one(big, 1, 1, 1, 1), word_of(big + 2)); /* 1 + 1 come first */
}

/* A product is not rounded before it is added: neither 2^128 nor 2^-127 is a number by itself. */
static void products_are_fused(void **state)
{
    (void)state;
    const uint32_t large[] = {pair(-0x1.8p127f, 0), pair(0x1p64f, 0)}, by_large[] = {pair(1, 0), pair(0x1p64f, 0)};
    const uint32_t small[] = {pair(0x1p-126f, 0), pair(0x1p-64f, 0)}, by_small[] = {pair(1, 0), pair(0x1p-63f, 0)};
    assert_same(product(0, large, by_large, 2), word_of(0x1p126f));
    assert_same(product(0, small, by_small, 2), word_of(0x1.8p-126f));
}

static void odd_values_go_through(void **state)
{
    (void)state;
    assert_true(isnan(one(NAN, 0, 1, 0, 1)));
    assert_true(isnan(one(0, bits(0x7FC00000), 1, 0, 1)));
    assert_true(isnan(one(0, INFINITY, 0, 0, 1)));
    assert_true(isnan(one(-INFINITY, INFINITY, 1, 0, 1)));
    assert_same(one(1, INFINITY, 1, 0, 1), word_of(INFINITY));
    assert_same(one(0, 0x1.fep127f, 0x1.fep127f, 0, 1), word_of(INFINITY)); /* too large */
}

static int32_t product_of_bytes(int32_t sum, uint8_t row, int8_t weight)
{
    uint32_t rows = row * 0x01010101u, weights = (uint8_t)weight * 0x01010101u;
    shape_one(1);
    tile_load(0, &sum, 4);
    tile_load(1, &rows, 4);
    tile_load(2, &weights, 4);
    tile_multiply_int8(0, 1, 2);
    tile_store(0, &sum, 4);
    tile_release();
    return sum;
}

static void sums_of_bytes_wrap(void **state)
{
    (void)state;
    assert_int_equal(product_of_bytes(5, 255, -128), 5 - 4 * 255 * 128);
    assert_int_equal(product_of_bytes(0, 255, 127), 4 * 255 * 127);
    assert_int_equal(product_of_bytes(INT32_MAX, 1, 1), INT32_MIN + 3);
    assert_int_equal(product_of_bytes(INT32_MIN, 1, -1), INT32_MAX - 3);
}

/* What lies beyond the shape is zero; products of shapes that do not fit are spoiled. */
static void shapes_count(void **state)
{
    (void)state;
    uint32_t ones[PAIRS], sum = 0;
    for (size_t i = 0; i < PAIRS; i++)
        ones[i] = pair(1, 1);
    assert_same(product(0, ones, ones, 3), word_of(6));
    shape_one(3);
    tile_load(1, ones, 4);
    tile_load(2, ones, 4);
    tile_multiply_bf16(0, 2, 1);
    tile_store(0, &sum, 4);
    assert_true(isnan(bits(sum)));
    assert_int_equal(registers[1].words[0][3], 0);
    tile_release();
    sum = 7;
    tile_store(0, &sum, 4); /* no shape: nothing is stored */
    assert_int_equal(sum, 7);
}

static uint32_t state_of_random = 1;

/* Any bits; bfloat16 near the ends of the exponents more often than others. */
static uint32_t random_word(void)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    uint32_t word = state_of_random >> 16 | state_of_random << 16;
    return state_of_random >> 28 == 0 ? word & 0x81FF81FFu : state_of_random >> 28 == 1 ? word | 0x7E007E00u : word;
}

static void the_unit_gives_the_same(void **state)
{
    (void)state;
    enum { ROWS = 45, WORDS = 600, ROUNDS = 20 };
    unsigned flags = vit__cpu_permitted(vit__cpu_here()->flags);
    if (!vit__cpu_has(flags, VIT__CPU_AMX)) {
        print_message("skipped: this processor has no AMX, or Linux refuses it\n");
        skip();
    }
    const vit__tiles unit = vit__tiles_get(VIT__CPU_AMX), in_c = vit__tiles_get(VIT__CPU_AMX_IN_C);
    static uint32_t a[ROWS * WORDS], panel[WORDS * VIT__PANEL], got[ROWS * VIT__PANEL], want[ROWS * VIT__PANEL];
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < ROWS * WORDS; i++)
            a[i] = random_word();
        for (size_t i = 0; i < WORDS * VIT__PANEL; i++)
            panel[i] = random_word();
        vit__tile_call call = {.a = a, .a_stride = WORDS, .panel = panel, .rows = ROWS, .out_stride = VIT__PANEL};
        call.words = 1 + (size_t)(round * 31) % WORDS;
        for (int bytes = 0; bytes < 2; bytes++) {
            call.out = got;
            (bytes ? &unit.int8 : &unit.bf16)->multiply(&call);
            call.out = want;
            (bytes ? &in_c.int8 : &in_c.bf16)->multiply(&call);
            for (size_t i = 0; i < ROWS * VIT__PANEL; i++)
                if (got[i] != want[i] && (bytes || !isnan(bits(got[i])) || !isnan(bits(want[i]))))
                    fail_msg("%s, sum %zu of %zu words: %08x instead of %08x", bytes ? "int8" : "bf16", i, call.words,
                             (unsigned)got[i], (unsigned)want[i]);
        }
    }
    vit__tiles_leave(&unit);
    vit__tiles_leave(&in_c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_magnitudes_are_zero),
        cmocka_unit_test(results_are_rounded_before_they_count_as_small),
        cmocka_unit_test(sums_have_an_order),
        cmocka_unit_test(products_are_fused),
        cmocka_unit_test(odd_values_go_through),
        cmocka_unit_test(sums_of_bytes_wrap),
        cmocka_unit_test(shapes_count),
        cmocka_unit_test(the_unit_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
