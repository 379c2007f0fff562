/* SPDX-License-Identifier: BSD-2-Clause */
/* PBM, PGM and PPM, plain (P1 to P3) and raw (P4 to P6), with the rules of Pillow, its handling of comments and its
 * rounding included. The exception: gray deeper than 8 bit gives the high byte, where Pillow clips it to white. */
#include <math.h>
#include <string.h>

#include "reader.h"

#define MAX_TOKEN 10u

typedef struct pnm {
    const vit__source *source;
    const uint8_t *next, *end;
    char kind; /* the digit behind the P */
    unsigned maxval;
    vit_error *err;
} pnm;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_pnm(const vit__source *source)
{
    const uint8_t *b = source->bytes;
    return source->size >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '6' && is_space(b[2]);
}

static vit_status truncated(const pnm *p)
{
    return vit__fail_truncated(p->source, "PNM", p->err);
}

static vit_status corrupt(const pnm *p, const char *why)
{
    return vit__fail(p->err, VIT_ERR_CORRUPT, p->source->name, "PNM: %s", why);
}

/* ------------------------------------------------------------------ tokens ---- */

/* The next byte that is not part of a comment, which reaches to the end of its line; -1 at the end. A comment does not
 * end a number: "1#x<newline>2" is 12, in Pillow and in netpbm. */
static int next_byte(pnm *p)
{
    while (p->next < p->end) {
        const uint8_t c = *p->next++;
        if (c != '#')
            return c;
        while (p->next < p->end && *p->next != '\n' && *p->next != '\r')
            p->next++;
        if (p->next < p->end)
            p->next++;
    }
    return -1;
}

/* A number of at most ten digits. Takes the one white space behind it as well. */
static vit_status read_number(pnm *p, uint64_t *number)
{
    int c;
    do {
        c = next_byte(p);
    } while (c >= 0 && is_space((uint8_t)c));
    if (c < 0)
        return truncated(p);
    *number = 0;
    for (unsigned digits = 0; c >= 0 && !is_space((uint8_t)c); c = next_byte(p)) {
        if (c < '0' || c > '9')
            return corrupt(p, "a number was expected");
        if (++digits > MAX_TOKEN)
            return corrupt(p, "a number has more than ten digits");
        *number = *number * 10 + (uint64_t)(c - '0');
    }
    return VIT_OK;
}

/* ------------------------------------------------------------------ levels ---- */

/* v * top / maxval as Pillow computes it: in double, halves to even, clipped. */
static unsigned scale(unsigned v, unsigned maxval, unsigned top)
{
    const double level = nearbyint((double)v / maxval * top);
    return level < top ? (unsigned)level : top;
}

static bool is_gray(const pnm *p)
{
    return p->kind == '2' || p->kind == '5';
}

static uint8_t level_of(const pnm *p, unsigned v)
{
    if (p->maxval == 255)
        return (uint8_t)v;
    if (is_gray(p) && p->maxval > 255)
        return (uint8_t)(scale(v, p->maxval, 65535) >> 8);
    return (uint8_t)scale(v, p->maxval, 255);
}

/* ------------------------------------------------------------------ rasters ---- */

/* Samples go to pixels one by one (colour) or three times (gray). */
static void put(const pnm *p, uint8_t *pixels, size_t i, uint8_t level)
{
    if (p->kind == '3' || p->kind == '6')
        pixels[i] = level;
    else
        memset(pixels + 3 * i, level, 3);
}

static vit_status read_plain(pnm *p, size_t samples, uint8_t *pixels)
{
    for (size_t i = 0; i < samples; i++) {
        uint64_t v;
        vit_status status = read_number(p, &v);
        if (status != VIT_OK)
            return status;
        if (v > p->maxval)
            return corrupt(p, "a level is larger than the maximum in the header");
        put(p, pixels, i, level_of(p, (unsigned)v));
    }
    return VIT_OK;
}

/* One digit a pixel, 1 is black; white space between them may be left out. */
static vit_status read_plain_bits(pnm *p, size_t samples, uint8_t *pixels)
{
    for (size_t i = 0; i < samples;) {
        const int c = next_byte(p);
        if (c < 0)
            return truncated(p);
        if (is_space((uint8_t)c))
            continue;
        if (c != '0' && c != '1')
            return corrupt(p, "0 or 1 was expected");
        put(p, pixels, i++, c == '0' ? 255 : 0);
    }
    return VIT_OK;
}

static void read_raw(const pnm *p, size_t samples, uint8_t *pixels)
{
    const uint8_t *b = p->next;
    if (p->maxval < 256) {
        for (size_t i = 0; i < samples; i++)
            put(p, pixels, i, level_of(p, b[i]));
        return;
    }
    for (size_t i = 0; i < samples; i++)
        put(p, pixels, i, level_of(p, (unsigned)b[2 * i] << 8 | b[2 * i + 1]));
}

/* Eight pixels a byte, rows padded to whole bytes, 1 is black. */
static void read_raw_bits(const pnm *p, const vit_image *image)
{
    const size_t stride = ((size_t)image->width + 7) / 8;
    for (size_t y = 0; y < image->height; y++) {
        const uint8_t *row = p->next + y * stride;
        for (size_t x = 0; x < image->width; x++)
            put(p, image->pixels, y * image->width + x, row[x / 8] >> (7 - x % 8) & 1 ? 0 : 255);
    }
}

/* ------------------------------------------------------------------ file ---- */

static vit_status read_header(pnm *p, uint64_t *width, uint64_t *height)
{
    uint64_t maxval = 1;
    vit_status status = read_number(p, width);
    if (status == VIT_OK)
        status = read_number(p, height);
    if (status == VIT_OK && p->kind != '1' && p->kind != '4')
        status = read_number(p, &maxval);
    if (status != VIT_OK)
        return status;
    if (*width == 0 || *height == 0)
        return corrupt(p, "width or height is 0");
    if (maxval == 0 || maxval > 65535)
        return corrupt(p, "the maximum level is not between 1 and 65535");
    p->maxval = (unsigned)maxval;
    return VIT_OK;
}

/* The fewest bytes that can hold the raster: so a header that promises more than the file has costs no memory. Called
 * when width * height is known to be within the limit. */
static uint64_t least_bytes(const pnm *p, uint64_t width, uint64_t height)
{
    const uint64_t pixels = width * height, samples = is_gray(p) ? pixels : 3 * pixels;
    switch (p->kind) {
    case '1':
        return pixels;
    case '4':
        return (width + 7) / 8 * height;
    case '2':
    case '3':
        return 2 * samples - 1;
    default:
        return p->maxval < 256 ? samples : 2 * samples;
    }
}

static vit_status read_raster(pnm *p, const vit_image *image)
{
    const size_t pixels = (size_t)image->width * image->height;
    switch (p->kind) {
    case '1':
        return read_plain_bits(p, pixels, image->pixels);
    case '2':
    case '3':
        return read_plain(p, is_gray(p) ? pixels : 3 * pixels, image->pixels);
    case '4':
        read_raw_bits(p, image);
        return VIT_OK;
    default:
        read_raw(p, is_gray(p) ? pixels : 3 * pixels, image->pixels);
        return VIT_OK;
    }
}

static vit_status read_pnm(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    const uint8_t *b = source->bytes;
    pnm p = {.source = source, .next = b + 3, .end = b + source->size, .kind = (char)b[1], .err = err};
    uint64_t width, height;
    vit_status status = read_header(&p, &width, &height);
    if (status == VIT_OK)
        status = vit__check_pixels(source, options, width, height, err);
    if (status != VIT_OK)
        return status;
    if (least_bytes(&p, width, height) > (uint64_t)(p.end - p.next))
        return truncated(&p);
    if (vit_image_alloc((uint32_t)width, (uint32_t)height, image, NULL) != VIT_OK)
        return vit__fail_memory(err, source->name);
    status = read_raster(&p, image);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

const vit__format vit__format_pnm = {"PNM", is_pnm, read_pnm, NULL};
