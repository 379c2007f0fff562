/* SPDX-License-Identifier: BSD-2-Clause */
#include "trusted.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "vit/vit.h"

#define N 83      /* floats of a row: whole vectors of each width, and a rest */
#define ROWS 7    /* of a product: more than a tile */
#define WORDS 13  /* of a sum */
#define FAR 1e-2f /* of the largest value: a wrong result is further off, another order or rounding much nearer */

/* Numbers between -1 and 1 that look like any others. */
static void fill(float *values, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

/* Words of any bytes for int8; of floats between -1 and 1; of two upper halves of such. */
static void fill_words(uint32_t *words, size_t n, size_t precision)
{
    float values[2];
    for (size_t i = 0; i < n; i++) {
        uint32_t bits[2];
        fill(values, 2, (uint32_t)(i * 7 + precision));
        memcpy(bits, values, sizeof bits);
        words[i] = precision == 0 ? bits[0] : (bits[0] & 0xFFFF0000u) | bits[1] >> 16;
    }
}

static bool near_enough(const float *got, const float *want, size_t n)
{
    float top = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        float difference = fabsf(got[i] - want[i]);
        top = fmaxf(top, fabsf(want[i]));
        if (isnan(difference))
            return false;
        off = fmaxf(off, difference);
    }
    return off <= FAR * top;
}

/* ------------------------------------------------------------------ kernels ---- */

/* y[N] by one kernel of a table. a, b, c: rows of N. */
typedef void trial(const vit__kernels *k, const float *a, const float *b, const float *c, float *y);

#define TRIAL(name, call)                                                                                              \
    static void try_##name(const vit__kernels *k, const float *a, const float *b, const float *c, float *y)            \
    {                                                                                                                  \
        (void)b;                                                                                                       \
        (void)c;                                                                                                       \
        memcpy(y, a, N * sizeof *y);                                                                                   \
        call;                                                                                                          \
    }

static void by_epilogues(const vit__kernels *k, const float *b, const float *c, float *y)
{
    float x[N];
    for (unsigned i = 0; i <= VIT__ACTIVATION_SIGMOID; i++) {
        const vit__epilogue_row row = {.activation = (vit__activation)i, .bias = b, .scale = c, .residual = y};
        memcpy(x, y, sizeof x);
        k->epilogue(x, &row, N, y);
    }
}

static void by_bytes(const vit__kernels *k, float *y)
{
    uint8_t bytes[N];
    vit__byte_scale scale;
    k->to_int8(y, N, bytes, &scale);
    for (size_t i = 0; i < N; i++)
        y[i] = scale.scale * (float)vit__byte_units(&scale, bytes, i);
}

static void by_weight_bytes(const vit__kernels *k, float *y)
{
    int8_t bytes[N];
    float unit = k->weights_to_int8(y, N, bytes);
    for (size_t i = 0; i < N; i++)
        y[i] = unit * (float)bytes[i];
}

static float from_bf16(uint32_t half)
{
    float value;
    half <<= 16;
    memcpy(&value, &half, sizeof value);
    return value;
}

static void by_halves(const vit__kernels *k, float *y)
{
    uint16_t halves[N];
    k->to_bf16(y, N, halves);
    for (size_t i = 0; i < N; i++)
        y[i] = from_bf16(halves[i]);
}

/* The halves count differently, so that exchanged ones are seen. */
static void by_pairs(const vit__kernels *k, const float *odd, float *y)
{
    uint32_t pairs[N];
    k->pair_bf16(y, odd, N, pairs);
    for (size_t i = 0; i < N; i++)
        y[i] = from_bf16(pairs[i] & 0xFFFFu) + 2 * from_bf16(pairs[i] >> 16);
}

/* One row of a panel, added to y for each activation: once its sums are floats, once sums of bytes. */
static void by_finishing(const vit__kernels *k, const float *b, const float *c, float *y)
{
    static const vit__byte_scale scale = {.scale = 0.01f, .zero = 117, .largest = 2, .units = 300};
    uint32_t words[VIT__PANEL];
    int32_t byte_sums[VIT__PANEL];
    float sums[VIT__PANEL];
    fill_words(words, VIT__PANEL, 0);
    for (unsigned i = 0; i < 2 * (VIT__ACTIVATION_SIGMOID + 1); i++) {
        bool bytes = i % 2;
        memcpy(sums, y, sizeof sums);
        for (int32_t at = 0; at < VIT__PANEL; at++) {
            byte_sums[at] = at - 20;
            if (bytes)
                memcpy(&sums[at], &(int32_t){100 * at - 2500}, sizeof *sums);
        }
        const vit__panel_columns columns = {.width = VIT__PANEL,
                                            .activation = (vit__activation)(i / 2),
                                            .bias = b,
                                            .scale = c,
                                            .byte_scales = b,
                                            .byte_sums = byte_sums,
                                            .words = words};
        const vit__panel_rows rows = {.rows = 1,
                                      .sums = sums,
                                      .byte_scales = bytes ? &scale : NULL,
                                      .residual = y,
                                      .residual_stride = VIT__PANEL,
                                      .y = y,
                                      .y_stride = VIT__PANEL};
        k->finish(&columns, &rows);
    }
}

static void by_exponentials(const vit__kernels *k, float *y)
{
    float top = -INFINITY, total = 0;
    k->exponentials(y, N, 2, &top, &total);
    y[0] += total + top;
}

TRIAL(layer_norm, k->layer_norm(a, b, c, 1e-6f, N, y))
TRIAL(rms_norm, k->rms_norm(a, b, c, 1e-6f, N, y))
TRIAL(softmax, k->softmax(y, N))
TRIAL(exponentials, by_exponentials(k, y))
TRIAL(sigmoid, k->sigmoid(y, N))
TRIAL(epilogue, by_epilogues(k, b, c, y))
TRIAL(gate, k->gate(a, b, VIT__ACTIVATION_SILU, N, y))
TRIAL(rotate, k->rotate(b, c, true, N - 1, y))
TRIAL(scale, k->scale(a, 0.3f, N, y))
TRIAL(accumulate, k->accumulate(b, N, y))
TRIAL(to_bf16, by_halves(k, y))
TRIAL(bf16_rest, k->bf16_rest(a, N, y))
TRIAL(pair_bf16, by_pairs(k, b, y))
TRIAL(to_int8, by_bytes(k, y))
TRIAL(weights_to_int8, by_weight_bytes(k, y))
TRIAL(finish, by_finishing(k, b, c, y))

static const struct {
    const char *name;
    trial *run;
} trials[] = {{"layer_norm", try_layer_norm},
              {"rms_norm", try_rms_norm},
              {"softmax", try_softmax},
              {"exponentials", try_exponentials},
              {"sigmoid", try_sigmoid},
              {"epilogue", try_epilogue},
              {"gate", try_gate},
              {"rotate", try_rotate},
              {"scale", try_scale},
              {"accumulate", try_accumulate},
              {"to_bf16", try_to_bf16},
              {"bf16_rest", try_bf16_rest},
              {"pair_bf16", try_pair_bf16},
              {"to_int8", try_to_int8},
              {"weights_to_int8", try_weights_to_int8},
              {"finish", try_finish}};

const char *vit__kernels_differ(const vit__kernels *kernels)
{
    float rows[3][N], got[N], want[N];
    for (uint32_t i = 0; i < 3; i++)
        fill(rows[i], N, i + 1);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        trials[i].run(kernels, rows[0], rows[1], rows[2], got);
        trials[i].run(vit__kernels_get(0), rows[0], rows[1], rows[2], want);
        if (!near_enough(got, want, N))
            return trials[i].name;
    }
    return NULL;
}

/* ------------------------------------------------------------------ products ---- */

static void multiply(const vit__multiplier *by, size_t precision, const uint32_t *a, const uint32_t *panel, float *sums)
{
    static const size_t int8 = 2;
    uint32_t out[ROWS * VIT__PANEL] = {0};
    const vit__tile_call call = {
        .a = a, .a_stride = WORDS, .panel = panel, .rows = ROWS, .words = WORDS, .out = out, .out_stride = VIT__PANEL};
    by->multiply(&call);
    memcpy(sums, out, sizeof out);
    for (size_t i = 0; i < ROWS * VIT__PANEL && precision == int8; i++)
        sums[i] = (float)(int32_t)out[i];
}

const char *vit__tiles_differ(const vit__tiles *tiles)
{
    static const char *const names[] = {"f32", "bf16", "int8"};
    const vit__tiles plain = vit__tiles_get(0);
    const vit__multiplier *const theirs[] = {&tiles->f32, &tiles->bf16, &tiles->int8};
    const vit__multiplier *const ours[] = {&plain.f32, &plain.bf16, &plain.int8};
    uint32_t a[ROWS * WORDS], panel[WORDS * VIT__PANEL];
    float got[ROWS * VIT__PANEL], want[ROWS * VIT__PANEL];
    const char *differs = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !differs; i++) {
        fill_words(a, ROWS * WORDS, i);
        fill_words(panel, WORDS * VIT__PANEL, i);
        multiply(theirs[i], i, a, panel, got);
        multiply(ours[i], i, a, panel, want);
        differs = near_enough(got, want, ROWS * VIT__PANEL) ? NULL : names[i];
    }
    vit__tiles_leave(tiles);
    return differs;
}

/* ------------------------------------------------------------------ this processor ---- */

/* Without and with a matrix unit, for which the system is asked. */
static struct {
    pthread_once_t once;
    unsigned flags;
    char left_out[120]; /* for people; "": nothing is */
    atomic_bool known;
} found[2] = {{.once = PTHREAD_ONCE_INIT}, {.once = PTHREAD_ONCE_INIT}};

/* The most that these flags allow, and is less than all of them. */
static unsigned one_level_less(unsigned flags)
{
    for (size_t i = vit__isa_count; i-- > 0;)
        if ((vit__isas[i].flags & flags) != flags)
            return vit__isas[i].flags & flags;
    return 0;
}

static void look(unsigned flags, size_t unit)
{
    for (; flags; flags = one_level_less(flags)) {
        const vit__kernels *kernels = vit__kernels_get(flags);
        const vit__tiles tiles = vit__tiles_get(flags);
        const char *kernel = vit__kernels_differ(kernels), *product = kernel ? NULL : vit__tiles_differ(&tiles);
        if (!kernel && !product)
            break;
        snprintf(found[unit].left_out, sizeof found[unit].left_out,
                 "%s with the instructions %s gives other results on this processor than plain C",
                 kernel ? kernel : product, kernels->name);
    }
    found[unit].flags = flags;
    atomic_store(&found[unit].known, true);
}

static void look_without(void)
{
    look(vit__cpu_here()->flags & ~(unsigned)VIT__CPU_AMX, 0);
}

static void look_with(void)
{
    look(vit__cpu_here()->flags, 1);
}

unsigned vit__trusted_flags(bool matrix_unit)
{
    pthread_once(&found[matrix_unit].once, matrix_unit ? look_with : look_without);
    return found[matrix_unit].flags;
}

const char *vit__trusted_left_out(void)
{
    vit__trusted_flags(false);
    for (size_t unit = 0; unit < 2; unit++)
        if (atomic_load(&found[unit].known) && *found[unit].left_out)
            return found[unit].left_out;
    return NULL;
}
