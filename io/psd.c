/* SPDX-License-Identifier: BSD-2-Clause */
/* Photoshop files: the flattened picture behind the layers, 8 bits a channel, as it is or in PackBits. A file that was
 * saved without one ("maximize compatibility") has white there, and Pillow shows that too. */
#include <stdlib.h>
#include <string.h>

#include "alpha.h"
#include "bytes.h"
#include "cmyk.h"
#include "memory.h"
#include "orient.h"
#include "packbits.h"

#define HEADER 26u
#define PALETTE 768u
#define MOST_CHANNELS 4u

typedef struct psd {
    const vit__source *source;
    uint32_t width, height;
    unsigned mode;
    unsigned channels; /* that count */
    const uint8_t *palette;
    bool packed;
    size_t next[MOST_CHANNELS]; /* where the next row of each channel is */
    size_t counts;              /* where the lengths of packed rows are */
} psd;

enum { BITMAP = 0, GRAY = 1, INDEXED = 2, RGB = 3, CMYK = 4, MULTICHANNEL = 7, DUOTONE = 8 };

static bool is_psd(const vit__source *source)
{
    return source->size >= HEADER && memcmp(source->bytes, "8BPS\0\1", 6) == 0;
}

/* If there are exactly four channels of RGB, the fourth is alpha. If there are more, those behind the colours are
 * selections that somebody saved. */
static unsigned channels_of(unsigned mode, unsigned stored)
{
    if (mode == RGB)
        return stored == 4 ? 4 : 3;
    return mode == CMYK ? 4 : 1;
}

static vit_status read_header(psd *p, vit_error *err)
{
    const uint8_t *b = p->source->bytes;
    const unsigned stored = vit__be16(b + 12), depth = vit__be16(b + 22);
    p->height = vit__be32(b + 14);
    p->width = vit__be32(b + 18);
    p->mode = vit__be16(b + 24);
    p->channels = channels_of(p->mode, stored);
    const bool known = p->mode == GRAY || p->mode == INDEXED || p->mode == RGB || p->mode == CMYK ||
                       p->mode == MULTICHANNEL || p->mode == DUOTONE;
    if (depth != 8 || !known)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, p->source->name,
                         "Photoshop: %u bits a channel in colour mode %u are not read; save it with 8 bits as RGB",
                         depth, p->mode);
    if (p->width == 0 || p->height == 0 || p->channels > stored)
        return vit__fail(err, VIT_ERR_CORRUPT, p->source->name, "Photoshop: a picture without pixels, or channels");
    return VIT_OK;
}

/* Three sections, each with its length before it: colours, resources, layers. *at is then behind them. */
static vit_status skip_sections(psd *p, size_t *at, vit_error *err)
{
    *at = HEADER;
    for (int section = 0; section < 3; section++) {
        const size_t left = p->source->size - *at;
        const size_t length = left >= 4 ? vit__be32(p->source->bytes + *at) : 0;
        if (left < 4 || length > left - 4)
            return vit__fail_truncated(p->source, "Photoshop", err);
        if (section == 0 && p->mode == INDEXED && length == PALETTE)
            p->palette = p->source->bytes + *at + 4;
        *at += 4 + length;
    }
    return VIT_OK;
}

static size_t row_length(const psd *p, size_t row)
{
    return p->packed ? vit__be16(p->source->bytes + p->counts + 2 * row) : p->width;
}

/* Where the rows of each channel begin; whether all are in the file, and can hold the picture. */
static vit_status find_channels(psd *p, size_t at, vit_error *err)
{
    const size_t rows = (size_t)p->height * p->channels, left = p->source->size - at;
    if (left < 2)
        return vit__fail_truncated(p->source, "Photoshop", err);
    const unsigned compression = vit__be16(p->source->bytes + at);
    if (compression > 1)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, p->source->name, "Photoshop: compression %u is not read",
                         compression);
    p->packed = compression == 1;
    p->counts = at + 2;
    if (p->packed && (left - 2) / 2 < rows)
        return vit__fail_truncated(p->source, "Photoshop", err);
    uint64_t next = p->counts + (p->packed ? 2 * rows : 0);
    const uint64_t first = next;
    for (unsigned c = 0; c < p->channels; c++) {
        p->next[c] = (size_t)next;
        for (size_t y = 0; y < p->height; y++)
            next += row_length(p, c * (size_t)p->height + y);
    }
    if (next > p->source->size || (next - first) * VIT_PACKBITS_EXPANSION < (uint64_t)rows * p->width)
        return vit__fail_truncated(p->source, "Photoshop", err);
    return VIT_OK;
}

/* Row y of channel c. */
static bool read_row(psd *p, unsigned c, uint32_t y, uint8_t *to)
{
    const uint8_t *row = p->source->bytes + p->next[c];
    const size_t length = row_length(p, c * (size_t)p->height + y);
    p->next[c] += length;
    if (p->packed)
        return vit__packbits(row, length, to, p->width);
    memcpy(to, row, p->width);
    return true;
}

/* The channels, one behind the other, to RGB. pixels has room for four bytes a pixel. */
static void join(const psd *p, const uint8_t *channels, const vit_load_options *options, uint8_t *pixels)
{
    const size_t width = p->width;
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < 4; c++) {
            const size_t from = p->channels >= 3 ? c : 0;
            const uint8_t level = from < p->channels ? channels[from * width + x] : 255;
            pixels[4 * x + c] = p->palette && c < 3 ? p->palette[PALETTE / 3 * c + level] : level;
        }
    if (p->mode == CMYK) {
        vit__cmyk_to_rgb(pixels, width);
        return;
    }
    for (size_t x = 0; x < width && p->channels < 4; x++)
        pixels[4 * x + 3] = 255;
    vit__alpha_resolve(pixels, width, options);
}

static vit_status read_rows(psd *p, const vit_load_options *options, const vit__canvas *canvas, vit_error *err)
{
    uint8_t *channels = vit__alloc(p->width, MOST_CHANNELS), *pixels = vit__alloc(p->width, 4);
    vit_status status = channels && pixels ? VIT_OK : vit__fail_memory(err, p->source->name);
    for (uint32_t y = 0; y < p->height && status == VIT_OK; y++) {
        for (unsigned c = 0; c < p->channels; c++)
            if (!read_row(p, c, y, channels + c * (size_t)p->width))
                status = vit__fail(err, VIT_ERR_CORRUPT, p->source->name, "Photoshop: a row is too short");
        if (status != VIT_OK)
            break;
        join(p, channels, options, pixels);
        vit__canvas_store(canvas, y, 1, pixels);
    }
    free(channels);
    free(pixels);
    return status;
}

static vit_status read_psd(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    psd p = {.source = source};
    vit__canvas canvas;
    size_t at = 0;
    vit_status status = read_header(&p, err);
    if (status == VIT_OK)
        status = vit__check_pixels(source, options, p.width, p.height, err);
    if (status == VIT_OK)
        status = skip_sections(&p, &at, err);
    if (status == VIT_OK)
        status = find_channels(&p, at, err);
    if (status == VIT_OK)
        status = vit__canvas_create(source, p.width, p.height, 1, image, &canvas, err);
    if (status == VIT_OK)
        status = read_rows(&p, options, &canvas, err);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

const vit__format vit__format_psd = {"PSD", is_psd, read_psd, NULL};
