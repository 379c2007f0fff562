/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of tiles_amx_unit.h in plain C, bit for bit what the unit computes (Intel's manual, and five million
 * sums compared on a Granite Rapids). NaNs alone may have another payload.
 *
 * A product of bfloat16 adds to a sum in this order: the products of the first values of all words are added up
 * from +0, and so are those of the second values, each step a fused multiply-add; then these two are added; then
 * that is added to the sum. Each step rounds to nearest, ties to even, as if exponents had no lower end. Then a
 * magnitude below 2^-126 becomes zero. Subnormal inputs, sums too, count as zero. Signs of zeros stay.
 *
 * Where the unit would fault, because shapes do not fit each other, sums become NaN (of bytes: -1).
 */
#ifndef VIT_TILES_AMX_IN_C_H
#define VIT_TILES_AMX_IN_C_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tiles_amx_config.h"

typedef union tile {
    uint32_t words[TILE_ROWS_MOST][TILE_BYTES_MOST / 4];
    float floats[TILE_ROWS_MOST][TILE_BYTES_MOST / 4];
} tile;

static _Thread_local tile registers[8];
static _Thread_local tile_config shapes;

static inline void tile_memory_is_read(void)
{
}

static inline void tile_configure(const tile_config *config)
{
    shapes = *config;
    memset(registers, 0, sizeof registers);
}

static inline void tile_release(void)
{
    memset(&shapes, 0, sizeof shapes);
}

static inline void tile_zero(int number)
{
    memset(&registers[number], 0, sizeof registers[number]);
}

/* Everything beyond the tile's shape becomes zero. */
static inline void tile_load(int number, const void *from, size_t stride)
{
    tile_zero(number);
    for (size_t row = 0; row < shapes.rows[number]; row++)
        memcpy(registers[number].words[row], (const char *)from + row * stride, shapes.row_bytes[number]);
}

#define tile_load_passing tile_load

static inline void tile_store(int number, void *to, size_t stride)
{
    for (size_t row = 0; row < shapes.rows[number]; row++)
        memcpy((char *)to + row * stride, registers[number].words[row], shapes.row_bytes[number]);
}

#define tile_expect_store(line) ((void)(line))

/* Whether sums [M][N], rows [M][K] and weights [K][N] are there, and have these shapes; if not, spoils the sums. */
static inline bool tile_shapes_fit(int sums, int rows, int weights)
{
    bool fit = shapes.rows[sums] > 0 && shapes.row_bytes[weights] > 0 && shapes.rows[sums] == shapes.rows[rows] &&
               shapes.row_bytes[sums] == shapes.row_bytes[weights] &&
               shapes.row_bytes[rows] == 4 * shapes.rows[weights];
    if (!fit)
        memset(&registers[sums], 0xFF, sizeof registers[sums]);
    return fit;
}

static inline float tile_flush(float x)
{
    return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x;
}

/* A step whose exact result is x, or x rounded to 53 bits, which changes nothing here. */
static inline float tile_round(double x)
{
    return fabs(x) < 0x1.ffffffp-127 ? (float)copysign(0.0, x) : (float)x;
}

/* The bfloat16 in the lower or upper half of a word. */
static inline float tile_half(uint32_t word, bool upper)
{
    uint32_t bits = upper ? word & 0xFFFF0000u : word << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return tile_flush(x);
}

static inline void tile_multiply_bf16(int sums, int rows, int weights)
{
    enum { COLUMNS = TILE_BYTES_MOST / 4 };
    if (!tile_shapes_fit(sums, rows, weights))
        return;
    for (size_t m = 0; m < shapes.rows[sums]; m++) {
        float first[COLUMNS] = {0}, second[COLUMNS] = {0}, *sum = registers[sums].floats[m];
        for (size_t k = 0; k < shapes.rows[weights]; k++) {
            const uint32_t word = registers[rows].words[m][k], *const w = registers[weights].words[k];
            const double x = (double)tile_half(word, false), y = (double)tile_half(word, true);
            for (size_t n = 0; n < COLUMNS; n++) {
                first[n] = tile_round((double)first[n] + x * (double)tile_half(w[n], false));
                second[n] = tile_round((double)second[n] + y * (double)tile_half(w[n], true));
            }
        }
        for (size_t n = 0; n < COLUMNS; n++)
            sum[n] = tile_round((double)tile_flush(sum[n]) + (double)tile_round((double)first[n] + (double)second[n]));
    }
}

/* Unsigned bytes by signed ones, modulo 2^32. */
static inline void tile_multiply_int8(int sums, int rows, int weights)
{
    enum { COLUMNS = TILE_BYTES_MOST / 4 };
    if (!tile_shapes_fit(sums, rows, weights))
        return;
    for (size_t m = 0; m < shapes.rows[sums]; m++)
        for (size_t k = 0; k < shapes.rows[weights]; k++)
            for (size_t n = 0; n < COLUMNS; n++) {
                const uint32_t word = registers[rows].words[m][k], w = registers[weights].words[k][n];
                uint32_t products = 0;
                for (unsigned i = 0; i < 32; i += 8)
                    products += (uint32_t)((int32_t)(word >> i & 255u) * (int8_t)(w >> i & 255u));
                registers[sums].words[m][n] += products;
            }
}

#endif
