/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules are Pillow's (BmpImagePlugin), those for broken run lengths included. */
#include "dib.h"

#include <string.h>

#include "bytes.h"
#include "limit.h"
#include "memory.h"

#define CORE_HEADER 12u /* of OS/2: 16-bit sizes, colours of three bytes */
#define INFO_HEADER 40u

enum { RAW = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

static vit_status corrupt(const vit__dib *dib, vit_error *err, const char *why)
{
    return vit__fail(err, VIT_ERR_CORRUPT, dib->source->name, "BMP: %s", why);
}

static bool has(const vit__source *source, size_t at, size_t count)
{
    return at <= source->size && count <= source->size - at;
}

/* ------------------------------------------------------------------ masks ---- */

/* Which bits of a pixel are red, green, blue, alpha, and so which of its bytes. Others are refused, as in Pillow. */
static const struct layout {
    unsigned bits;
    uint32_t masks[4];
    uint8_t order[4];
    bool has_alpha;
} layouts[] = {
    {32, {0xff0000, 0xff00, 0xff, 0}, {2, 1, 0, 3}, false},
    {32, {0xff000000, 0xff0000, 0xff00, 0}, {3, 2, 1, 0}, false},
    {32, {0xff000000, 0xff00, 0xff, 0}, {3, 1, 0, 2}, false},
    {32, {0xff000000, 0xff0000, 0xff00, 0xff}, {3, 2, 1, 0}, true},
    {32, {0xff, 0xff00, 0xff0000, 0xff000000}, {0, 1, 2, 3}, true},
    {32, {0xff0000, 0xff00, 0xff, 0xff000000}, {2, 1, 0, 3}, true},
    {32, {0xff000000, 0xff00, 0xff, 0xff0000}, {3, 1, 0, 2}, true},
    {32, {0, 0, 0, 0}, {2, 1, 0, 3}, true},
    {24, {0xff0000, 0xff00, 0xff, 0}, {2, 1, 0, 0}, false},
    {16, {0xf800, 0x7e0, 0x1f, 0}, {0}, false},
    {16, {0x7c00, 0x3e0, 0x1f, 0}, {0}, false},
};

/* masks: three of them, and the fourth where the header has it. */
static vit_status take_masks(vit__dib *dib, const uint8_t *masks, bool has_fourth, vit_error *err)
{
    uint32_t given[4] = {vit__le32(masks), vit__le32(masks + 4), vit__le32(masks + 8)};
    if (has_fourth && dib->bits == 32)
        given[3] = vit__le32(masks + 12);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        if (layouts[i].bits != dib->bits || memcmp(layouts[i].masks, given, sizeof given) != 0)
            continue;
        memcpy(dib->order, layouts[i].order, sizeof dib->order);
        dib->has_alpha = layouts[i].has_alpha;
        dib->five_six_five = given[1] == 0x7e0;
        return VIT_OK;
    }
    return corrupt(dib, err, "the masks of the colours are none that this project reads; convert the picture to PNG");
}

/* ------------------------------------------------------------------ header ---- */

static bool known_header(uint32_t size)
{
    static const uint32_t sizes[] = {CORE_HEADER, INFO_HEADER, 52, 56, 64, 108, 124};
    size_t i = 0;
    while (i < sizeof sizes / sizeof *sizes && sizes[i] != size)
        i++;
    return i < sizeof sizes / sizeof *sizes;
}

static void read_size(vit__dib *dib, const uint8_t *b, bool core)
{
    dib->width = core ? vit__le16(b + 4) : vit__le32(b + 4);
    dib->height = core ? vit__le16(b + 6) : vit__le32(b + 8);
    dib->bits = vit__le16(b + (core ? 10 : 14));
    dib->compression = core ? RAW : vit__le32(b + 16);
    dib->top_down = !core && b[11] == 0xff;
    if (dib->top_down)
        dib->height = 0u - dib->height;
}

static bool known_bits(const vit__dib *dib)
{
    switch (dib->compression) {
    case RAW:
        return dib->bits == 1 || dib->bits == 4 || dib->bits == 8 || dib->bits == 16 || dib->bits == 24 ||
               dib->bits == 32;
    case RLE8:
        return dib->bits == 8;
    case RLE4:
        return dib->bits == 4;
    default:
        return dib->bits == 16 || dib->bits == 24 || dib->bits == 32;
    }
}

/* The table at `at`. */
static void read_palette(vit__dib *dib, size_t at, size_t entry, uint32_t colours)
{
    size_t n = 0;
    for (; n < VIT_PALETTE && n < colours && has(dib->source, at + n * entry, 3); n++)
        for (size_t c = 0; c < 3; c++)
            dib->palette[n][c] = dib->source->bytes[at + n * entry + 2 - c];
    vit__palette_complete(dib->palette, n);
    if (dib->bits == 1 && colours == 1 && memcmp(dib->palette[0], "\0\0", 3) == 0)
        memset(dib->palette[1], 255, 3);
}

vit_status vit__dib_open(const vit__source *source, size_t at, size_t pixels, vit__dib *dib, vit_error *err)
{
    *dib = (vit__dib){.source = source, .order = {2, 1, 0, 3}};
    if (!has(source, at, 4))
        return vit__fail_truncated(source, "BMP", err);
    const uint8_t *b = source->bytes + at;
    const uint32_t header = vit__le32(b);
    if (!known_header(header))
        return corrupt(dib, err, "the header has a size that no version of the format has");
    if (!has(source, at, header))
        return vit__fail_truncated(source, "BMP", err);
    const bool core = header == CORE_HEADER;
    read_size(dib, b, core);
    if (dib->compression > BITFIELDS || !known_bits(dib))
        return vit__fail(err, VIT_ERR_CORRUPT, source->name, "BMP: %u bits a pixel with compression %lu are not read",
                         dib->bits, (unsigned long)dib->compression);
    size_t end = at + header;
    if (dib->compression == BITFIELDS) {
        const bool inside = header >= 52; /* the header has room for them */
        if (!inside && !has(source, end, 12))
            return vit__fail_truncated(source, "BMP", err);
        vit_status status = take_masks(dib, inside ? b + 40 : b + header, header >= 56, err);
        if (status != VIT_OK)
            return status;
        end += inside ? 0 : 12;
    }
    uint32_t colours = core ? 0 : vit__le32(b + 32);
    colours = colours || dib->bits > 16 ? colours : 1u << dib->bits;
    const size_t entry = core ? 3 : 4;
    if (dib->bits <= 8) {
        if (colours > VIT__LIMIT_BITMAP_COLOURS)
            return corrupt(dib, err, "the table of colours is larger than any");
        read_palette(dib, end, entry, colours);
        if (pixels == end)
            pixels = 0; /* the file header forgets the table */
        end += colours * entry;
    }
    dib->pixels = pixels ? pixels : end;
    return VIT_OK;
}

/* ------------------------------------------------------------------ run lengths ---- */

typedef struct runs {
    const vit__dib *dib;
    size_t next;         /* byte of the file */
    size_t done, wanted; /* pixels */
    size_t x;            /* in the row, as far as runs have been counted */
} runs;

static void put_run(runs *r, size_t count, uint8_t byte)
{
    const vit__dib *dib = r->dib;
    const size_t room = r->x < dib->width ? dib->width - r->x : 0;
    count = count < room ? count : room; /* never past the row */
    for (size_t i = 0; i < count && r->done < r->wanted; i++, r->done++) {
        const uint8_t pair[2] = {byte >> 4, byte & 15};
        dib->indices[r->done] = dib->compression == RLE4 ? pair[i % 2] : byte;
    }
    r->x += count;
}

static void put_zeros(runs *r, size_t count)
{
    const size_t left = r->wanted - r->done;
    r->done += count < left ? count : left; /* the indices begin as 0 */
}

/* Pixels one by one, up to an even place in the file. false: they are not all there. */
static bool put_literal(runs *r, size_t count)
{
    const vit__dib *dib = r->dib;
    const bool nibbles = dib->compression == RLE4;
    const size_t left = r->wanted - r->done, pixels = count < left ? count : left;
    const size_t bytes = nibbles ? (pixels + 1) / 2 : pixels;
    if (!has(dib->source, r->next, bytes))
        return false;
    const uint8_t *b = dib->source->bytes + r->next;
    for (size_t i = 0; i < pixels; i++) {
        const unsigned pair = b[i / 2], nibble = i % 2 ? pair & 15 : pair >> 4;
        dib->indices[r->done++] = nibbles ? (uint8_t)nibble : b[i];
    }
    r->x += count;
    r->next += bytes;
    r->next += r->next % 2;
    return true;
}

/* A zero, and what it means. false: the picture ends here. */
static bool put_escape(runs *r, uint8_t code)
{
    const size_t width = r->dib->width;
    if (code == 0) {
        put_zeros(r, (width - r->done % width) % width);
        r->x = 0;
        return true;
    }
    if (code == 1)
        return false;
    if (code != 2)
        return put_literal(r, code);
    if (!has(r->dib->source, r->next, 2))
        return false;
    const uint8_t *jump = r->dib->source->bytes + r->next;
    r->next += 2;
    put_zeros(r, jump[0] + jump[1] * width);
    r->x = r->done % width;
    return true;
}

static vit_status unpack(vit__dib *dib, vit_error *err)
{
    runs r = {.dib = dib, .next = dib->pixels, .wanted = (size_t)dib->width * dib->height};
    dib->indices = vit__alloc_zero(r.wanted, 1);
    if (!dib->indices)
        return vit__fail_memory(err, dib->source->name);
    bool more = true;
    while (more && r.done < r.wanted && has(dib->source, r.next, 2)) {
        const uint8_t *b = dib->source->bytes + r.next;
        r.next += 2;
        if (b[0] != 0)
            put_run(&r, b[0], b[1]);
        else
            more = put_escape(&r, b[1]);
    }
    return r.done == r.wanted ? VIT_OK : vit__fail_truncated(dib->source, "BMP", err);
}

/* ------------------------------------------------------------------ rows ---- */

/* Bytes from row to row; each is padded to whole words of 32 bits. */
static size_t stride_of(const vit__dib *dib)
{
    return ((size_t)dib->width * dib->bits + 31) / 32 * 4;
}

vit_status vit__dib_prepare(vit__dib *dib, vit_error *err)
{
    if (dib->width == 0 || dib->height == 0)
        return corrupt(dib, err, "width or height is 0");
    if (dib->compression == RLE8 || dib->compression == RLE4)
        return unpack(dib, err);
    const size_t last = ((size_t)dib->width * dib->bits + 7) / 8;
    if (!has(dib->source, dib->pixels, stride_of(dib) * (dib->height - 1) + last))
        return vit__fail_truncated(dib->source, "BMP", err);
    return VIT_OK;
}

/* Fields of five and six bits: v * 255 / the largest, rounded down. */
static void expand_16(const vit__dib *dib, unsigned v, uint8_t *rgb)
{
    const unsigned green_bits = dib->five_six_five ? 6 : 5, green_most = (1u << green_bits) - 1;
    rgb[0] = (uint8_t)((v >> (5 + green_bits) & 31) * 255 / 31);
    rgb[1] = (uint8_t)((v >> 5 & green_most) * 255 / green_most);
    rgb[2] = (uint8_t)((v & 31) * 255 / 31);
}

static unsigned index_at(const vit__dib *dib, const uint8_t *row, size_t x)
{
    const size_t bit = x * dib->bits;
    return row[bit / 8] >> (8 - dib->bits - bit % 8) & ((1u << dib->bits) - 1);
}

/* BGR to RGB. Two pixels at once, in the low six bytes of a word: the greens stay, and reds and blues change places. */
static void swap_red_and_blue(const uint8_t *bgr, size_t width, uint8_t *rgb)
{
    size_t x = 0;
    for (; x + 3 <= width; x += 2) { /* the words reach into a third */
        const uint64_t red_and_blue = UINT64_C(0xff0000ff), green = UINT64_C(0xff0000ff00);
        const uint64_t v = vit__le64(bgr + 3 * x);
        const uint64_t swapped = (v & green) | (v >> 16 & red_and_blue) | (v & red_and_blue) << 16;
        vit__put_le64(rgb + 3 * x, swapped);
    }
    for (; x < width; x++)
        for (size_t c = 0; c < 3; c++)
            rgb[3 * x + c] = bgr[3 * x + 2 - c];
}

/* 24 and 32 bits. */
static void reorder(const vit__dib *dib, const uint8_t *row, unsigned channels, uint8_t *pixels)
{
    const size_t bytes = dib->bits / 8;
    const uint8_t red = dib->order[0], green = dib->order[1], blue = dib->order[2], alpha = dib->order[3];
    for (size_t x = 0; x < dib->width; x++, row += bytes, pixels += channels) {
        pixels[0] = row[red];
        pixels[1] = row[green];
        pixels[2] = row[blue];
        if (channels == 4)
            pixels[3] = dib->has_alpha ? row[alpha] : 255;
    }
}

/* Numbers of the table, and fields of 16 bits. */
static void resolve(const vit__dib *dib, const uint8_t *row, const uint8_t *indices, unsigned channels, uint8_t *pixels)
{
    for (size_t x = 0; x < dib->width; x++, pixels += channels) {
        if (dib->bits == 16)
            expand_16(dib, vit__le16(row + 2 * x), pixels);
        else
            memcpy(pixels, dib->palette[indices ? indices[x] : index_at(dib, row, x)], 3);
        if (channels == 4)
            pixels[3] = 255;
    }
}

void vit__dib_row(const vit__dib *dib, uint32_t y, unsigned channels, uint8_t *pixels)
{
    const size_t stored = dib->top_down ? y : dib->height - 1 - y;
    const uint8_t *row = dib->source->bytes + dib->pixels + stored * stride_of(dib);
    const uint8_t *indices = dib->indices ? dib->indices + stored * dib->width : dib->bits == 8 ? row : NULL;
    if (dib->bits == 24 && channels == 3 && dib->order[0] == 2)
        swap_red_and_blue(row, dib->width, pixels);
    else if (dib->bits > 16)
        reorder(dib, row, channels, pixels);
    else if (indices && channels == 3)
        vit__palette_row(dib->palette[0], indices, dib->width, pixels);
    else
        resolve(dib, row, indices, channels, pixels);
}
