/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernels: a table says how each is called, and what it computes, in double. Every row is tried in each variant
 * that this processor runs, against the formula and against plain C, at odd lengths and alignments, with the
 * destination wherever the contract allows it. `test_kernels speed` prints how fast they are.
 */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernels.h"

#define MAX 1100 /* floats of a buffer */
#define ACTIVATIONS (VIT__ACTIVATION_SIGMOID + 1u)
#define EPS 1e-6f
#define FACTOR 0.3f
#define FAR 32 /* exponentials: most of them vanish, none overflows; a power of two, so that scaling rounds nothing */
#define GAP 3  /* floats between the rows of a panel's results */

/* Where the destination may be: by itself, or on one of the operands. */
enum { BUFFER_Y, BUFFER_A, BUFFER_B, BUFFER_C, BUFFERS };
enum { APART = 1 << BUFFER_Y, ON_A = 1 << BUFFER_A, ON_B = 1 << BUFFER_B, ON_C = 1 << BUFFER_C };

typedef struct trial {
    size_t n;
    unsigned option;    /* one of the row's */
    const float *a;     /* in (-4, 4) */
    const float *b, *c; /* in (-1, 1) */
    float *y;
    float answer; /* of the kernel, besides y */
    vit__byte_scale scale;
    uint32_t raw[MAX];                              /* results, or sums, that are no floats */
    double mean, variance, squares, top, near, far; /* of a; the last two: sums of e^(a - top) and e^(FAR (a - top)) */
} trial;

static double activate(unsigned kind, double x)
{
    switch ((vit__activation)kind) {
    case VIT__ACTIVATION_NONE:
        return x;
    case VIT__ACTIVATION_GELU:
        return 0.5 * x * erfc(-x / sqrt(2));
    case VIT__ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case VIT__ACTIVATION_QUICK_GELU:
        return x / (1 + exp(-1.702 * x));
    case VIT__ACTIVATION_RELU:
        return x < 0 ? 0 : x; /* NaN stays */
    case VIT__ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case VIT__ACTIVATION_TANH:
        return tanh(x);
    case VIT__ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-x));
    }
    return NAN;
}

/* ------------------------------------------------------------------ calls and formulas ---- */

/* Of a kernel: how it is called; y[i], in double, for each i below n. */
#define KERNEL(name, call, formula)                                                                                    \
    static void run_##name(const vit__kernels *k, trial *t)                                                            \
    {                                                                                                                  \
        call;                                                                                                          \
    }                                                                                                                  \
    static double want_##name(const trial *t, size_t i)                                                                \
    {                                                                                                                  \
        return formula;                                                                                                \
    }

/* Options of rows with activations: the activation, and three bits above it. */
#define KIND(t) ((t)->option % ACTIVATIONS)
#define PART(t, bit) ((t)->option / ACTIVATIONS >> (bit)&1)

/* In two pieces: what the first gave is multiplied by what the second answers. */
static void exponentials_in_pieces(const vit__kernels *k, trial *t)
{
    size_t cut = t->n / 3;
    float top = -INFINITY;
    t->answer = 0;
    float before = k->exponentials(t->y, cut, FAR, &top, &t->answer);
    assert_true(before == 0 || isnan(before));
    before = k->exponentials(t->y + cut, t->n - cut, FAR, &top, &t->answer);
    for (size_t i = 0; i < cut; i++)
        t->y[i] *= before;
}

static vit__epilogue_row epilogue_of(const trial *t)
{
    return (vit__epilogue_row){.activation = (vit__activation)KIND(t),
                               .bias = PART(t, 0) ? t->b : NULL,
                               .scale = PART(t, 1) ? t->b + 1 : NULL,
                               .residual = PART(t, 2) ? t->c : NULL};
}

static double rotated(const trial *t, size_t i)
{
    size_t pairs = t->n / 2, apart = t->option ? pairs : 1;
    bool second = t->option ? i >= pairs : i % 2;
    if (i >= 2 * pairs)
        return t->a[i];
    return (double)t->a[i] * t->b[i] + (second ? (double)t->a[i - apart] : -(double)t->a[i + apart]) * t->c[i];
}

/* Sums of a panel: of floats, which are a; or of bytes. */
static int32_t byte_sum(const trial *t, size_t i)
{
    return (int32_t)(1000 * t->a[i]);
}

static int32_t column_sum(size_t column)
{
    return (int32_t)(column * 31) % 51 - 25;
}

static vit__byte_scale row_scale(size_t row)
{
    static const vit__byte_scale scales[] = {
        {0.003f, 117, 0, 300}, {0.001f, 0, 5, -65536}, {0.002f, 255, 2, 65536}, {0, 0, 7, 0}, {0.004f, 1, 7, -40}};
    return scales[row % 5];
}

/* Words of a panel of eight inputs. */
static uint32_t panel_word(size_t word, size_t column)
{
    return (uint32_t)(word * VIT__PANEL + column + 1) * 2654435761u;
}

static int32_t weight_of(size_t input, size_t column)
{
    return (int8_t)(panel_word(input / 4, column) >> input % 4 * 8);
}

/* The parts: sums of bytes, a scale, a residual. The kernel overwrites the sums, which are made for each call. */
static void finish_panel(const vit__kernels *k, size_t width, trial *t)
{
    int32_t column_sums[VIT__PANEL];
    uint32_t words[2 * VIT__PANEL];
    vit__byte_scale scales[MAX / VIT__HANDED];
    for (size_t i = 0; i < width; i++)
        column_sums[i] = column_sum(i);
    for (size_t i = 0; i < 2 * VIT__PANEL; i++)
        words[i] = panel_word(i / VIT__PANEL, i % VIT__PANEL);
    for (size_t i = 0; i < t->n / width; i++)
        scales[i] = row_scale(i);
    memcpy(t->raw, t->a, t->n * sizeof *t->a);
    for (size_t i = 0; PART(t, 0) && i < t->n; i++)
        t->raw[i] = (uint32_t)byte_sum(t, i);
    vit__panel_columns columns = {.width = width,
                                  .activation = (vit__activation)KIND(t),
                                  .bias = t->b,
                                  .scale = PART(t, 1) ? t->b + 1 : NULL,
                                  .byte_scales = t->b + 2,
                                  .byte_sums = column_sums,
                                  .words = words};
    vit__panel_rows rows = {.rows = t->n / width,
                            .sums = (float *)(void *)t->raw,
                            .byte_scales = PART(t, 0) ? scales : NULL,
                            .residual = PART(t, 2) ? t->c : NULL,
                            .residual_stride = width + GAP,
                            .y = t->y,
                            .y_stride = width + GAP};
    k->finish(&columns, &rows);
}

/* What is between rows, and behind the last, stays. */
static double finished(const trial *t, size_t width, size_t i)
{
    size_t stride = width + GAP, row = i / stride, column = i % stride, at = row * width + column;
    if (column >= width || row >= t->n / width)
        return t->y[i];
    vit__byte_scale scale = row_scale(row);
    double sum = t->a[at];
    if (PART(t, 0))
        sum = (double)scale.scale * t->b[2 + column] *
              (byte_sum(t, at) - scale.zero * column_sum(column) + scale.units * weight_of(scale.largest, column));
    double x = activate(KIND(t), sum + t->b[column]);
    return (PART(t, 2) ? t->c[i] : 0) + (PART(t, 1) ? t->b[1 + column] : 1) * x;
}

/* Of 8 significant bits; ties go to even. */
static double nearest_bf16(double x)
{
    int exponent;
    double fraction = frexp(x, &exponent);
    return ldexp(rint(ldexp(fraction, 8)), exponent - 8);
}

KERNEL(layer_norm, k->layer_norm(t->a, t->b, t->option ? t->c : NULL, EPS, t->n, t->y),
       (t->a[i] - t->mean) / sqrt(t->variance + EPS) * t->b[i] + (t->option ? t->c[i] : 0))
KERNEL(rms_norm, k->rms_norm(t->a, t->b, t->option ? t->c : NULL, EPS, t->n, t->y),
       t->a[i] / sqrt(t->squares + EPS) * t->b[i] + (t->option ? t->c[i] : 0))
KERNEL(softmax, k->softmax(t->y, t->n), exp(t->a[i] - t->top) / t->near)
KERNEL(exponentials, exponentials_in_pieces(k, t), exp(FAR *(t->a[i] - t->top)))
KERNEL(total, exponentials_in_pieces(k, t), i == 0 ? t->far : 0)
KERNEL(sigmoid, k->sigmoid(t->y, t->n), 1 / (1 + exp(-(double)t->a[i])))
KERNEL(epilogue, vit__epilogue_row row = epilogue_of(t);
       k->epilogue(t->a, &row, t->n, t->y),
       (PART(t, 2) ? t->c[i] : 0) +
           (PART(t, 1) ? t->b[1 + i] : 1) * activate(KIND(t), t->a[i] + (PART(t, 0) ? (double)t->b[i] : 0)))
KERNEL(gate, k->gate(t->a, t->b, (vit__activation)t->option, t->n, t->y), activate(t->option, t->a[i]) * t->b[i])
KERNEL(rotate, k->rotate(t->b, t->c, t->option, t->n, t->y), rotated(t, i))
KERNEL(scale, k->scale(t->a, FACTOR, t->n, t->y), t->a[i] * FACTOR)
KERNEL(accumulate, k->accumulate(t->a, t->n, t->y), t->b[i] + t->a[i])
KERNEL(to_bf16, k->to_bf16(t->a, t->n, (uint16_t *)(void *)t->raw), nearest_bf16(t->a[i]))
KERNEL(bf16_rest, k->bf16_rest(t->a, t->n, t->y), t->a[i] - nearest_bf16(t->a[i]))
KERNEL(pair_bf16, k->pair_bf16(t->a, t->option ? t->a : NULL, t->n, t->raw), nearest_bf16(t->a[i]))
KERNEL(to_int8, k->to_int8(t->a, t->n, (uint8_t *)t->raw, &t->scale), t->a[i])
KERNEL(weights_to_int8, t->answer = k->weights_to_int8(t->a, t->n, (int8_t *)t->raw), t->a[i])
KERNEL(finish, finish_panel(k, VIT__PANEL, t), finished(t, VIT__PANEL, i))
KERNEL(finish_some, finish_panel(k, VIT__HANDED, t), finished(t, VIT__HANDED, i))

/* From what a kernel gave to y[i], where it is no float yet. */
static float half_at(const void *halves, size_t i)
{
    uint32_t bits = (uint32_t)((const uint16_t *)halves)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#define READ(name, value)                                                                                              \
    static float read_##name(const trial *t, size_t i)                                                                 \
    {                                                                                                                  \
        return value;                                                                                                  \
    }

/* Both halves of a pair, where the odd row is the even one. */
static bool is_pair(const trial *t, size_t i)
{
    return t->raw[i] >> 16 == (t->option ? t->raw[i] & 0xFFFFu : 0);
}

READ(total, i == 0 ? t->answer : 0)
READ(bf16, half_at(t->raw, i))
READ(pair, is_pair(t, i) ? half_at(t->raw, 2 * i) : INFINITY)
READ(byte, t->scale.scale *(float)vit__byte_units(&t->scale, (const uint8_t *)t->raw, i))
READ(weight, t->answer *((const int8_t *)t->raw)[i])

/* ------------------------------------------------------------------ the table ---- */

/* Errors, of the largest value of y, or of 1 where all are smaller. */
#define EXACT 0
#define ROUNDED 4e-7 /* three units in the last place: kernels add in another order than the formulas */
#define SUMMED 5e-6  /* up to a thousand additions, one after the other in plain C */
/* A factor that comes of a sum of a thousand numbers. Where the compiler makes no vectors (with sanitizers) they are
 * added one after the other: a random walk of a thousand roundings of 6e-8, which ends at sqrt(1000) times one. */
#define BY_A_SUM 2e-6
#define IN_BYTES (2.01 / 255) /* a unit, for rounding and for the zero point: a 255th of twice the largest value */
#define IN_SIGNED_BYTES (0.5001 / 127)

typedef struct kernel_row {
    const char *name;
    void (*run)(const vit__kernels *kernels, trial *t);
    double (*want)(const trial *t, size_t i);
    float (*read)(const trial *t, size_t i); /* NULL: y is there */
    unsigned options;
    int places; /* of the destination */
    double tolerance;
} kernel_row;

#define ROW(name) #name, run_##name, want_##name
static const kernel_row rows[] = {
    {ROW(layer_norm), NULL, 2, APART | ON_A, BY_A_SUM},
    {ROW(rms_norm), NULL, 2, APART | ON_A, BY_A_SUM},
    {ROW(softmax), NULL, 1, ON_A, BY_A_SUM},
    {ROW(exponentials), NULL, 1, ON_A, ROUNDED},
    {ROW(total), read_total, 1, ON_A, SUMMED},
    {ROW(sigmoid), NULL, 1, ON_A, ROUNDED},
    {ROW(epilogue), NULL, 8 * ACTIVATIONS, APART | ON_C, ROUNDED},
    {ROW(gate), NULL, ACTIVATIONS, APART | ON_A | ON_B, ROUNDED},
    {ROW(rotate), NULL, 2, ON_A, ROUNDED},
    {ROW(scale), NULL, 1, APART | ON_A, EXACT},
    {ROW(accumulate), NULL, 1, ON_B, EXACT},
    {ROW(to_bf16), read_bf16, 1, APART, EXACT},
    {ROW(bf16_rest), NULL, 1, APART, EXACT},
    {ROW(pair_bf16), read_pair, 2, APART, EXACT},
    {ROW(to_int8), read_byte, 1, APART, IN_BYTES},
    {ROW(weights_to_int8), read_weight, 1, APART, IN_SIGNED_BYTES},
    {ROW(finish), NULL, 8 * ACTIVATIONS, APART | ON_C, ROUNDED},
    {ROW(finish_some), NULL, 8 * ACTIVATIONS, APART | ON_C, ROUNDED},
};
#define KERNELS (sizeof rows / sizeof *rows)

/* ------------------------------------------------------------------ trials ---- */

static const size_t lengths[] = {0, 1, 2, 3, 15, 16, 17, 31, 48, 63, 64, 197, 255, 256, 257, 768, 1001};
static const size_t alignments[BUFFERS] = {7, 5, 3, 2}; /* in buffer i the operand starts at float n % alignments[i] */
static float given[BUFFERS][MAX], memory[BUFFERS][MAX]; /* before a kernel runs, and as it sees them */

/* The variants that this processor runs, plain C first; several instruction sets may share one. */
static const vit__kernels *variants[8];
static size_t n_variants;

static int prepare(void **state)
{
    (void)state;
    unsigned flags;
    for (size_t i = 0; next_isa(&i, &flags);)
        if (n_variants == 0 || variants[n_variants - 1] != vit__kernels_get(flags))
            variants[n_variants++] = vit__kernels_get(flags);
    for (uint64_t buffer = 0; buffer < BUFFERS; buffer++) {
        uint64_t random = buffer + 1;
        for (size_t i = 0; i < MAX; i++)
            given[buffer][i] = (buffer == BUFFER_A ? 4 : 1) * ((float)(random_next(&random) >> 40) / 8388608.0f - 1.0f);
    }
    return 0;
}

static trial start(unsigned option, size_t n, int place)
{
    float *begin[BUFFERS];
    memcpy(memory, given, sizeof given);
    for (size_t i = 0; i < BUFFERS; i++)
        begin[i] = memory[i] + n % alignments[i];
    return (trial){.n = n,
                   .option = option,
                   .a = begin[BUFFER_A],
                   .b = begin[BUFFER_B],
                   .c = begin[BUFFER_C],
                   .y = begin[place],
                   .top = -INFINITY};
}

/* What the formulas take from all of a. */
static void summarise(trial *t)
{
    for (size_t i = 0; i < t->n; i++) {
        t->mean += t->a[i] / (double)t->n;
        t->squares += (double)t->a[i] * t->a[i] / (double)t->n;
        t->top = fmax(t->top, t->a[i]);
    }
    for (size_t i = 0; i < t->n; i++) {
        t->variance += (t->a[i] - t->mean) * (t->a[i] - t->mean) / (double)t->n;
        t->near += exp(t->a[i] - t->top);
        t->far += exp(FAR * (t->a[i] - t->top));
    }
}

/* How many values of y a row has a formula for. */
static size_t values_of(const kernel_row *row, const trial *t)
{
    return row->run == run_finish        ? t->n / VIT__PANEL * (VIT__PANEL + GAP)
           : row->run == run_finish_some ? t->n / VIT__HANDED * (VIT__HANDED + GAP)
                                         : t->n;
}

static void expect(const kernel_row *row, trial *t, double *want)
{
    summarise(t);
    for (size_t i = 0; i < values_of(row, t); i++)
        want[i] = row->want(t, i);
}

static void run(const kernel_row *row, const vit__kernels *table, trial *t)
{
    row->run(table, t);
    for (size_t i = 0; row->read && i < t->n; i++)
        t->y[i] = row->read(t, i);
}

/* The whole buffer of the destination, and all others, which are as they were. */
static void check(const kernel_row *row, const vit__kernels *table, const trial *t, int place, const double *want,
                  const float *plain)
{
    const float *got = memory[place];
    double largest = 1;
    for (size_t i = 0; i < MAX; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < MAX; i++) {
        double most = want[i] == given[place][i] ? 0 : row->tolerance * largest;
        if (!(fabs(got[i] - want[i]) <= most) || !(fabs((double)got[i] - plain[i]) <= 2 * most))
            fail_msg("%s (%s), n = %zu, option %u, destination %d, at %zu: %.9g, by the formula %.9g, in plain C %.9g",
                     row->name, table->name, t->n, t->option, place, i, got[i], want[i], plain[i]);
    }
    for (int i = 0; i < BUFFERS; i++)
        if (i != place)
            assert_memory_equal(memory[i], given[i], sizeof given[i]);
}

static void try_all_variants(const kernel_row *row, unsigned option, size_t n, int place)
{
    double want[MAX];
    float plain[MAX];
    trial t = start(option, n, place);
    for (size_t i = 0; i < MAX; i++)
        want[i] = memory[place][i];
    expect(row, &t, want + (t.y - memory[place]));
    for (size_t i = 0; i < n_variants; i++) {
        t = start(option, n, place);
        run(row, variants[i], &t);
        if (i == 0)
            memcpy(plain, memory[place], sizeof plain);
        check(row, variants[i], &t, place, want, plain);
    }
}

static void kernels_are_the_formulas(void **state)
{
    (void)state;
    for (size_t k = 0; k < KERNELS; k++)
        for (unsigned option = 0; option < rows[k].options; option++)
            for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
                for (int place = 0; place < BUFFERS; place++)
                    if (rows[k].places >> place & 1)
                        try_all_variants(&rows[k], option, lengths[i], place);
}

static int first_place(const kernel_row *row)
{
    int place = 0;
    while (!(row->places >> place & 1))
        place++;
    return place;
}

static void try_nan(const kernel_row *row, const vit__kernels *table, unsigned option, size_t n)
{
    double want[MAX];
    trial t = start(option, n, first_place(row));
    memory[BUFFER_A][n % alignments[BUFFER_A] + n / 2] = NAN;
    expect(row, &t, want);
    run(row, table, &t);
    for (size_t i = 0; i < values_of(row, &t); i++)
        if (isnan(want[i]) && !isnan(t.y[i]))
            fail_msg("%s (%s), n = %zu, option %u, at %zu: %g for NaN", row->name, table->name, n, option, i, t.y[i]);
}

/* A NaN must reach the output, where it is refused, and not turn into a number on the way. */
static void nan_stays_nan(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_variants; i++)
        for (size_t k = 0; k < KERNELS; k++)
            for (unsigned option = 0; option < rows[k].options && option < ACTIVATIONS; option++) /* no sums of bytes */
                for (size_t n = 1; n < 80; n++)
                    try_nan(&rows[k], variants[i], option, n);
}

/* ------------------------------------------------------------------ odd values ---- */

/* By the epilogue; and by finish, whose rough GELUs may be off
 * by 1e-4, and past 8 by as much of an eighth of the value. */
static void activations_hold_far_out(void **state)
{
    (void)state;
    enum { N = 2 * VIT__PANEL };
    static const float zeros[VIT__PANEL];
    float x[N] = {-200, -90, -30, -12, -1e-3f, -1e-20f, 0, 1e-20f, 1e-3f, 12, 30, 90, 200}, sums[N], got[N], roughly[N];
    for (int i = 13; i < N; i++)
        x[i] = ((float)i - N / 2) / 6; /* -9 to 11 */
    for (size_t v = 0; v < n_variants; v++)
        for (int kind = 0; kind < (int)ACTIVATIONS; kind++) {
            vit__epilogue_row row = {.activation = (vit__activation)kind};
            vit__panel_columns columns = {
                .width = VIT__PANEL, .activation = row.activation, .rough = true, .bias = zeros};
            vit__panel_rows panel = {.rows = N / VIT__PANEL, .sums = sums, .y = roughly, .y_stride = VIT__PANEL};
            memcpy(sums, x, sizeof sums);
            variants[v]->epilogue(x, &row, N, got);
            variants[v]->finish(&columns, &panel);
            for (int i = 0; i < N; i++) {
                double want = activate((unsigned)kind, x[i]);
                if (!(fabs(got[i] - want) <= ROUNDED * fmax(1, fabsf(x[i]))) ||
                    !(fabs(roughly[i] - want) <= 1e-4 * fmax(1, fabsf(x[i]) / 8)))
                    fail_msg("activation %d of %g is %g, roughly %g (%s)", kind, x[i], got[i], roughly[i],
                             variants[v]->name);
            }
        }
}

/* 1 + 1/256 lies halfway: to even, down; 1 + 3/256 up. The largest float rounds to infinity. */
static void bf16_is_the_nearest(void **state)
{
    (void)state;
    static const float special[] = {0, -0.0f, 1, 1.00390625f, 1.01171875f, 3.4e38f, 1e-40f, INFINITY, -INFINITY};
    static const uint16_t wanted[] = {0, 0x8000, 0x3F80, 0x3F80, 0x3F82, 0x7F80, 0x0001, 0x7F80, 0xFF80};
    uint16_t got[9];
    for (size_t v = 0; v < n_variants; v++) {
        variants[v]->to_bf16(special, 9, got);
        assert_memory_equal(got, wanted, sizeof wanted);
    }
}

/* Rows that are all zero, tiny, one-sided; rows with NaN or infinity, whose scale must say so. */
static void bytes_of_odd_rows(void **state)
{
    (void)state;
    static const float odd[][4] = {{0, 0, 0, 0},   {1e-44f, -1e-44f, 0, 0}, {5, 6, 7, 8},        {-5, -6, -7, -8},
                                   {1, 2, NAN, 3}, {1, 2, INFINITY, 3},     {1, 2, -INFINITY, 3}};
    uint8_t bytes[4];
    int8_t weights[4];
    for (size_t v = 0; v < n_variants; v++)
        for (size_t row = 0; row < sizeof odd / sizeof *odd; row++) {
            vit__byte_scale scale;
            variants[v]->to_int8(odd[row], 4, bytes, &scale);
            float unit = variants[v]->weights_to_int8(odd[row], 4, weights);
            assert_int_equal(isfinite(scale.scale) != 0, row < 4);
            assert_int_equal(isfinite(unit) != 0, row < 4);
            if (row < 4)
                assert_in_range(scale.zero, 0, 255);
            for (uint32_t i = 0; i < 4 && row < 4; i++) {
                double units = vit__byte_units(&scale, bytes, i);
                assert_true(fabs(scale.scale * units - odd[row][i]) <= fmax(0.51 * scale.scale, 1e-43));
            }
        }
}

/* The value that stands aside is the first of the largest magnitude, wherever it is. The others decide the scale. */
static void the_largest_stands_aside(void **state)
{
    (void)state;
    enum { N = 200 };
    float x[N];
    uint8_t bytes[N];
    for (size_t v = 0; v < n_variants; v++)
        for (size_t n = 2; n <= N; n = n < 70 ? n + 1 : n + 65)
            for (size_t place = 0; place < n; place++) {
                const size_t again = (place + n) / 2; /* place itself, where it is the last */
                vit__byte_scale scale;
                for (size_t i = 0; i < n; i++)
                    x[i] = i % 3 == 0 ? 0.5f : -0.25f;
                x[again] = 8;
                x[place] = -8;
                variants[v]->to_int8(x, n, bytes, &scale);
                assert_int_equal(scale.largest, place);
                const float high = again != place ? 8 : n > 3 || place != 0 ? 0.5f : 0;
                assert_true(scale.scale >= high / 255 && scale.scale <= (high + 0.2501f) / 255);
            }
}

/* ------------------------------------------------------------------ speed ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A row of ViT-B, again and again; finish includes making its sums. Printed, not judged: machines differ. */
static void print_speed(void)
{
    enum { N = 768, CALLS = 2000, REPEATS = 20 };
    for (size_t k = 0; k < KERNELS; k++)
        for (size_t i = 0; i < n_variants; i++) {
            double best = INFINITY;
            for (int repeat = 0; repeat < REPEATS; repeat++) {
                trial t = start(0, N, first_place(&rows[k]));
                double begin = seconds();
                for (int call = 0; call < CALLS; call++)
                    rows[k].run(variants[i], &t);
                best = fmin(best, seconds() - begin);
            }
            printf("%-20s %-8s %6.2f values a nanosecond\n", rows[k].name, variants[i]->name, 1e-9 * N * CALLS / best);
        }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "speed") == 0) {
        prepare(NULL);
        print_speed();
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_the_formulas), cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(activations_hold_far_out), cmocka_unit_test(bf16_is_the_nearest),
        cmocka_unit_test(bytes_of_odd_rows),        cmocka_unit_test(the_largest_stands_aside)};
    return cmocka_run_group_tests(tests, prepare, NULL);
}
