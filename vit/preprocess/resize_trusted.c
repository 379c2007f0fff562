/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether this processor resizes as it should: see linear/trusted.h, which does the same for the encoder's loops. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "resize_kernels.h"

#define OUTPUTS 19 /* pixels of a row: whole vectors of each width, and a rest */
#define WINDOW 5   /* weights of an output */
#define SAMPLES (3 * OUTPUTS)
#define INPUTS (OUTPUTS + WINDOW)

/* Weights of 22 bits, as Pillow's, for windows of five pixels, of which each begins one pixel after the one before. */
typedef struct example {
    vit__taps taps;
    uint32_t first[OUTPUTS], count[OUTPUTS];
    int16_t high[OUTPUTS * VIT__TAPS_STEP], low[OUTPUTS * VIT__TAPS_STEP];
    uint8_t row[3 * INPUTS + VIT__ROW_SLACK];
    uint8_t bytes[2 * SAMPLES + VIT__ROW_SLACK]; /* of both loops */
} example;

static void make_example(example *e)
{
    static const int32_t weights[WINDOW] = {-301234, 1201235, 2401239, 1101233, -208169}; /* 2^22 together, nearly */
    memset(e, 0, sizeof *e);
    for (size_t i = 0; i < OUTPUTS; i++) {
        e->first[i] = (uint32_t)i;
        e->count[i] = WINDOW;
        for (size_t k = 0; k < WINDOW; k++) {
            int32_t high = weights[k] >> VIT__LOW_BITS;
            e->high[i * VIT__TAPS_STEP + k] = (int16_t)high;
            e->low[i * VIT__TAPS_STEP + k] = (int16_t)(weights[k] - high * (1 << VIT__LOW_BITS));
        }
    }
    for (size_t i = 0; i < sizeof e->row; i++)
        e->row[i] = (uint8_t)(i * i * 89 + i * 31);
    e->taps = (vit__taps){.n = OUTPUTS,
                          .stride = VIT__TAPS_STEP,
                          .first = e->first,
                          .count = e->count,
                          .inputs = INPUTS,
                          .bits = 22,
                          .wide = true,
                          .high = e->high,
                          .low = e->low};
}

static void run(const vit__resize_kernels *kernels, example *e)
{
    const void *rows[WINDOW + 1];
    for (size_t k = 0; k <= WINDOW; k++)
        rows[k] = e->row + 3 * k;
    make_example(e);
    kernels->horizontal(&e->taps, e->row, e->bytes);
    kernels->vertical(&e->taps, 0, rows, SAMPLES, e->bytes + SAMPLES);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const vit__resize_kernels *trusted;
static char left_out[120]; /* "": nothing */

static void look(void)
{
    example got, want;
    const vit__resize_kernels *plain = vit__resize_kernels_get(0);
    trusted = vit__resize_kernels_get(vit__cpu_here()->flags);
    run(trusted, &got);
    run(plain, &want);
    if (memcmp(got.bytes, want.bytes, 2 * SAMPLES) == 0)
        return;
    snprintf(left_out, sizeof left_out,
             "resize with the instructions %s gives other results on this processor than plain C", trusted->name);
    trusted = plain;
}

const vit__resize_kernels *vit__resize_kernels_here(void)
{
    pthread_once(&once, look);
    return trusted;
}

const char *vit__resize_left_out(void)
{
    pthread_once(&once, look);
    return *left_out ? left_out : NULL;
}
