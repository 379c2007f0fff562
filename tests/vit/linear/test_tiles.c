/* SPDX-License-Identifier: BSD-2-Clause */
/* Each variant of the tiles against sums in double, on odd shapes; and its speed. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tiles.h"

typedef enum kind { F32, BF16, INT8, KINDS } kind;

static const char *const kind_names[KINDS] = {"f32", "bf16", "int8"};
static const size_t per_word[KINDS] = {1, 2, 4};

/* Of the largest value. f32 and bf16: some hundred roundings of 6e-8, partly cancelling; int8 sums are exact. */
static const double tolerance[KINDS] = {2e-6, 2e-6, 0};

/* Of emulated_avx_vnni.c. */
extern const vit__tiles tiles_emulated_avx_vnni;

static bool has_emulated(void)
{
#if defined(__x86_64__)
    return vit__cpu_has(vit__cpu_here()->flags, VIT__CPU_AVX2);
#else
    return false;
#endif
}

/* The tiles of each instruction set that this processor runs, and of one that it can emulate. */
static bool next_tiles(size_t *i, vit__tiles *tiles)
{
    unsigned flags;
    if (next_isa(i, &flags)) {
        *tiles = vit__tiles_get(flags);
        return true;
    }
    if (*i > vit__isa_count || !has_emulated())
        return false;
    *i = vit__isa_count + 1;
    *tiles = vit__tiles_get(VIT__CPU_AVX2);
    VIT__ON_X86_64(tiles->int8 = tiles_emulated_avx_vnni.int8; tiles->int8.name = "emulated avx_vnni";)
    return true;
}

static uint32_t state = 1;

static uint32_t next_random(void)
{
    state = state * 1664525u + 1013904223u;
    return state;
}

/* A word of values in (-1, 1), or of any bytes. */
static uint32_t random_word(kind k)
{
    float value = (float)(next_random() >> 8) / 8388608.0f - 1.0f;
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    if (k == BF16)
        word = (word & 0xFFFF0000u) | random_word(F32) >> 16;
    return k == INT8 ? next_random() >> 16 | next_random() << 16 : word;
}

/* Value number i of a word; row words of int8 are unsigned. */
static double value_of(kind k, uint32_t word, size_t i, bool is_row)
{
    float value;
    if (k == INT8) {
        uint32_t byte = word >> 8 * i & 255u;
        return is_row ? (double)byte : (double)(int8_t)byte;
    }
    if (k == BF16)
        word = i ? word & 0xFFFF0000u : word << 16;
    memcpy(&value, &word, sizeof value);
    return value;
}

static uint32_t *random_words(kind k, size_t n)
{
    uint32_t *words = malloc(n * sizeof *words);
    assert_non_null(words);
    for (size_t i = 0; i < n; i++)
        words[i] = random_word(k);
    return words;
}

static const vit__multiplier *multiplier(const vit__tiles *tiles, kind k)
{
    return k == F32 ? &tiles->f32 : k == BF16 ? &tiles->bf16 : &tiles->int8;
}

static void multiply(const vit__tiles *tiles, kind k, const vit__tile_call *call)
{
    multiplier(tiles, k)->multiply(call);
    vit__tiles_leave(tiles);
}

static const char *name_of(const vit__tiles *tiles, kind k)
{
    return multiplier(tiles, k)->name;
}

static double output(kind k, const void *out, size_t index)
{
    return k == INT8 ? ((const int32_t *)out)[index] : (double)((const float *)out)[index];
}

static void check_shape(const vit__tiles *tiles, kind k, size_t rows, size_t words)
{
    size_t a_stride = words + 3, out_stride = VIT__PANEL + 5;
    uint32_t *a = random_words(k, rows * a_stride), *panel = random_words(k, words * VIT__PANEL);
    uint32_t *out = calloc(rows * out_stride, sizeof *out);
    vit__tile_call call = {a,
                           a_stride,
                           panel,
                           rows,
                           words,
                           0,
                           out,
                           out_stride,
                           false,
                           (const char *)panel,
                           VIT__PANEL * words * sizeof(uint32_t),
                           NULL,
                           NULL};
    multiply(tiles, k, &call);
    call.add = true;
    multiply(tiles, k, &call); /* so that every output is twice the sum */
    double worst = 0, largest = 0;
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < VIT__PANEL; column++) {
            double sum = 0;
            for (size_t word = 0; word < words; word++)
                for (size_t i = 0; i < per_word[k]; i++)
                    sum += value_of(k, a[row * a_stride + word], i, true) *
                           value_of(k, panel[word * VIT__PANEL + column], i, false);
            worst = fmax(worst, fabs(output(k, out, row * out_stride + column) - 2 * sum));
            largest = fmax(largest, fabs(2 * sum));
        }
    for (size_t row = 0; row + 1 < rows; row++)
        for (size_t i = VIT__PANEL; i < out_stride; i++)
            assert_int_equal(out[row * out_stride + i], 0); /* nothing is written beside the panel */
    if (!(worst <= tolerance[k] * largest))
        fail_msg("%s, %s, %zu rows of %zu words: error %g of %g", kind_names[k], name_of(tiles, k), rows, words, worst,
                 largest);
    free(a);
    free(panel);
    free(out);
}

static void sums_are_right(void **unused)
{
    (void)unused;
    static const size_t words[] = {1, 2, 3, 12, 48, 197};
    vit__tiles tiles;
    for (size_t isa = 0; next_tiles(&isa, &tiles);)
        for (int k = F32; k < KINDS; k++)
            for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                for (size_t rows = 1; rows <= 14; rows++)
                    check_shape(&tiles, (kind)k, rows, words[i]);
}

/* Blocks of a matrix unit: full, half full, and others; sums in one part and in several. */
static void sums_of_blocks_are_right(void **unused)
{
    (void)unused;
    static const size_t rows[] = {16, 17, 31, 32, 33, 48, 49, 70}, words[] = {16, 31, 512, 545};
    vit__tiles tiles;
    for (size_t isa = 0; next_tiles(&isa, &tiles);)
        for (int k = F32; k < KINDS; k++)
            for (size_t i = 0; multiplier(&tiles, (kind)k)->hands_out && i < sizeof rows / sizeof *rows; i++)
                for (size_t j = 0; j < sizeof words / sizeof *words; j++)
                    check_shape(&tiles, (kind)k, rows[i], words[j]);
}

typedef struct handed {
    size_t rows;
    uint32_t *out;     /* [rows][VIT__PANEL] */
    unsigned char *is; /* [rows][VIT__PANEL]: how often it was handed out */
} handed;

static void take(const void *context, const vit__tile_sums *sums)
{
    const handed *h = context;
    assert_true(sums->rows > 0 && sums->row + sums->rows <= h->rows && sums->column % VIT__HANDED == 0);
    for (size_t i = 0; i < sums->rows * VIT__HANDED; i++) {
        size_t at = (sums->row + i / VIT__HANDED) * VIT__PANEL + sums->column + i % VIT__HANDED;
        h->out[at] = ((const uint32_t *)sums->sums)[i];
        h->is[at]++;
    }
    memset(sums->sums, 0xFF, sums->rows * VIT__HANDED * sizeof(uint32_t)); /* it may be overwritten */
}

/* Sums that are handed out are those that are written otherwise, each once. */
static void sums_are_handed_out_once(void **unused)
{
    (void)unused;
    static const size_t rows[] = {1, 5, 32, 37, 100}, words[] = {3, 16, 50, 520}, columns[] = {VIT__PANEL, 40, 7};
    vit__tiles tiles;
    for (size_t isa = 0; next_tiles(&isa, &tiles);)
        for (int k = F32; k < KINDS; k++)
            for (size_t i = 0; multiplier(&tiles, (kind)k)->hands_out && i < 60; i++) {
                size_t n = rows[i % 5], length = words[i / 5 % 4], width = columns[i / 20];
                uint32_t *a = random_words((kind)k, n * length), *panel = random_words((kind)k, length * VIT__PANEL);
                handed h = {n, calloc(n * VIT__PANEL, sizeof *h.out), calloc(n * VIT__PANEL, 1)};
                uint32_t *out = calloc(n * VIT__PANEL, sizeof *out);
                vit__tile_call call = {a, length, panel, n, length, width, out, VIT__PANEL, false, NULL, 0, take, &h};
                multiply(&tiles, (kind)k, &call);
                call.take = NULL;
                multiply(&tiles, (kind)k, &call);
                for (size_t at = 0; at < n * VIT__PANEL; at++)
                    if (at % VIT__PANEL < width) {
                        assert_int_equal(h.is[at], 1);
                        assert_int_equal(h.out[at], out[at]);
                    }
                free(a);
                free(panel);
                free(h.out);
                free(h.is);
                free(out);
            }
}

/* Extreme bytes: the 16-bit steps of the emulations must not saturate, nor those that take 128 from each byte. */
static void int8_never_saturates(void **unused)
{
    (void)unused;
    enum { WORDS = 300 };
    uint32_t a[WORDS], panel[WORDS * VIT__PANEL];
    int32_t out[VIT__PANEL];
    memset(panel, 0x80, sizeof panel); /* -128 */
    vit__tiles tiles;
    for (size_t isa = 0; next_tiles(&isa, &tiles);) {
        vit__tile_call call = {a, WORDS, panel, 1, WORDS, 0, out, VIT__PANEL, false, NULL, 0, NULL, NULL};
        for (int byte = 0; byte <= 255; byte += 255) {
            memset(a, byte, sizeof a);
            multiply(&tiles, INT8, &call);
            for (size_t i = 0; i < VIT__PANEL; i++)
                assert_int_equal(out[i], -byte * 128 * 4 * WORDS);
        }
    }
}

/* The same row alone, and at any place among others. */
static void a_row_knows_no_neighbours(void **unused)
{
    (void)unused;
    enum { ROWS = 13, WORDS = 77 };
    vit__tiles tiles;
    for (size_t isa = 0; next_tiles(&isa, &tiles);) {
        for (int k = F32; k < KINDS; k++) {
            uint32_t *a = random_words((kind)k, ROWS * WORDS), *panel = random_words((kind)k, WORDS * VIT__PANEL);
            uint32_t all[ROWS * VIT__PANEL], alone[VIT__PANEL];
            vit__tile_call call = {a, WORDS, panel, ROWS, WORDS, 0, all, VIT__PANEL, false, NULL, 0, NULL, NULL};
            multiply(&tiles, (kind)k, &call);
            for (size_t row = 0; row < ROWS; row++) {
                vit__tile_call one = {a + row * WORDS, WORDS, panel, 1, WORDS, 0,   alone,
                                      VIT__PANEL,      false, NULL,  0, NULL,  NULL};
                multiply(&tiles, (kind)k, &one);
                assert_memory_equal(alone, all + row * VIT__PANEL, sizeof alone);
            }
            free(a);
            free(panel);
        }
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One panel of a ViT-B layer: 197 rows, K = 768. Printed, not judged: machines differ. */
static void print_speed(void **unused)
{
    (void)unused;
    enum { ROWS = 197, K = 768, REPEATS = 20 };
    unsigned flags;
    for (size_t isa = 0; next_isa(&isa, &flags);) {
        vit__tiles tiles = vit__tiles_get(flags);
        for (int k = F32; k < KINDS; k++) {
            size_t words = K / per_word[k];
            uint32_t *a = random_words((kind)k, ROWS * (words + 16)),
                     *panel = random_words((kind)k, words * VIT__PANEL);
            uint32_t *out = malloc(ROWS * VIT__PANEL * sizeof *out);
            vit__tile_call call = {a, words + 16, panel, ROWS, words, 0, out, VIT__PANEL, false, NULL, 0, NULL, NULL};
            double best = INFINITY;
            for (int i = 0; i < REPEATS; i++) {
                double begin = seconds();
                multiply(&tiles, (kind)k, &call);
                best = fmin(best, seconds() - begin);
            }
            print_message("%s by %s: %.1f GFLOP/s\n", kind_names[k], name_of(&tiles, (kind)k),
                          2.0 * ROWS * K * VIT__PANEL / best / 1e9);
            free(a);
            free(panel);
            free(out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_right),
                                       cmocka_unit_test(sums_of_blocks_are_right),
                                       cmocka_unit_test(sums_are_handed_out_once),
                                       cmocka_unit_test(int8_never_saturates),
                                       cmocka_unit_test(a_row_knows_no_neighbours),
                                       cmocka_unit_test(print_speed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
