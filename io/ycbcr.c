/* SPDX-License-Identifier: BSD-2-Clause */
/* 4:2:0 of full range is reduced to 8 bits first. Whole numbers follow: R = Y + ((256 r Cr + 128) >> 8), and so on.
 * All else goes through float32: limited range is stretched, 0.5 added, cut to whole numbers, clipped, and reduced to 8
 * bits last. Chroma is repeated, never smoothed. */
#include "ycbcr.h"

#include <math.h>
#include <string.h>

#define STRETCH_Y 1.1689f
#define STRETCH_C 1.1429f

/* ITU-T H.273, table 4: how much red and blue are in Y. */
static const struct {
    unsigned matrix;
    float red, blue;
} matrices[] = {{1, .2126f, .0722f}, {4, .30f, .11f},     {5, .299f, .114f},   {6, .299f, .114f},
                {7, .212f, .087f},   {9, .2627f, .0593f}, {10, .2627f, .0593f}};

static void fill_coefficients(vit__ycbcr *how, unsigned matrix)
{
    how->r = 1.402f, how->gb = -0.344136f, how->gr = -0.714136f, how->b = 1.772f;
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) {
        if (matrices[i].matrix != matrix)
            continue;
        const float red = matrices[i].red, blue = matrices[i].blue, s = blue + red - 1.0f;
        how->r = 2.0f * (1.0f - red);
        how->gb = 2.0f * blue * (1.0f - blue) / s;
        how->gr = 2.0f * red * (1.0f - red) / s;
        how->b = 2.0f * (1.0f - blue);
    }
}

static int times_256(float v)
{
    const int rounded = (int)floor(fabs(256.0 * (double)v) + 0.5);
    return v > 0 ? rounded : -rounded;
}

vit__ycbcr vit__ycbcr_of(const vit__planes *planes, unsigned matrix, bool full_range, bool in_floats)
{
    vit__ycbcr how = {.full = full_range, .is_identity = matrix == 0 && full_range};
    fill_coefficients(&how, matrix);
    how.whole[0] = times_256(how.r);
    how.whole[1] = times_256(how.gb);
    how.whole[2] = times_256(how.gr);
    how.whole[3] = times_256(how.b);
    const bool exception = matrix == 0 || matrix == 8 || matrix == 11 || matrix == 14;
    how.is_whole = planes->shift_x == 1 && planes->shift_y == 1 && full_range && !exception && !in_floats;
    return how;
}

static int sample(const vit__planes *p, const uint8_t *row, size_t x)
{
    uint16_t wide;
    if (p->bits <= 8)
        return row[x];
    memcpy(&wide, row + 2 * x, sizeof wide);
    return wide;
}

static uint8_t clip(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void whole_pixel(const vit__ycbcr *how, int y, int cb, int cr, uint8_t *rgb)
{
    cb -= 128, cr -= 128;
    rgb[0] = clip(y + ((how->whole[0] * cr + 128) >> 8));
    rgb[1] = clip(y + ((how->whole[1] * cb + how->whole[2] * cr + 128) >> 8));
    rgb[2] = clip(y + ((how->whole[3] * cb + 128) >> 8));
}

/* v + 0.5 cut to a whole number, and that to 8 bits. */
static uint8_t reduce(float v, unsigned bits)
{
    const float top = (float)((1u << bits) - 1);
    v += 0.5f;
    v = v < 0.0f ? 0.0f : v;
    v = v > top ? top : v;
    return (uint8_t)((unsigned)v >> (bits - 8));
}

static void float_pixel(const vit__ycbcr *how, unsigned bits, const int ycbcr[3], uint8_t *rgb)
{
    const int half = 1 << (bits - 1);
    float y = (float)ycbcr[0], cb = (float)(ycbcr[1] - half), cr = (float)(ycbcr[2] - half);
    if (!how->full) {
        y = (y - (float)(16 << (bits - 8))) * STRETCH_Y;
        cb = cb * STRETCH_C;
        cr = cr * STRETCH_C;
    }
    rgb[0] = reduce(y + how->r * cr, bits);
    rgb[1] = reduce(y + how->gb * cb + how->gr * cr, bits);
    rgb[2] = reduce(y + how->b * cb, bits);
}

/* The row of most pictures: a loop without choices. */
static void whole_row_8(const vit__ycbcr *how, const uint8_t *const rows[3], size_t width, uint8_t *rgb)
{
    for (size_t x = 0; x < width; x++)
        whole_pixel(how, rows[0][x], rows[1][x / 2], rows[2][x / 2], rgb + 3 * x);
}

void vit__ycbcr_row(const vit__planes *p, const vit__ycbcr *how, uint32_t y, uint8_t *rgb)
{
    const unsigned shift = p->bits - 8;
    const uint8_t *rows[3] = {p->plane[0] + (size_t)y * p->stride[0]};
    for (size_t x = 0; x < p->width && p->gray; x++)
        memset(rgb + 3 * x, sample(p, rows[0], x) >> shift, 3);
    if (p->gray)
        return;
    for (size_t c = 1; c < 3; c++)
        rows[c] = p->plane[c] + (size_t)(y >> p->shift_y) * p->stride[c];
    if (how->is_whole && p->bits == 8) {
        whole_row_8(how, rows, p->width, rgb);
        return;
    }
    for (size_t x = 0; x < p->width; x++, rgb += 3) {
        const int v[3] = {sample(p, rows[0], x), sample(p, rows[1], x >> p->shift_x),
                          sample(p, rows[2], x >> p->shift_x)};
        if (how->is_whole)
            whole_pixel(how, v[0] >> shift, v[1] >> shift, v[2] >> shift, rgb);
        else if (how->is_identity)
            rgb[0] = (uint8_t)(v[2] >> shift), rgb[1] = (uint8_t)(v[0] >> shift), rgb[2] = (uint8_t)(v[1] >> shift);
        else
            float_pixel(how, p->bits, v, rgb);
    }
}
