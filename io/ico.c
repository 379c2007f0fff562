/* SPDX-License-Identifier: BSD-2-Clause */
/* Icons of Windows: of the pictures in the file the largest counts, which is a PNG or a bitmap, as in Pillow. The
 * height of a bitmap counts its rows twice, for behind the colours there is a mask of what is transparent. */
#include <stdlib.h>
#include <string.h>

#include "alpha.h"
#include "bytes.h"
#include "dib.h"
#include "memory.h"
#include "orient.h"

#define HEADER 6u
#define ENTRY 16u

typedef struct entry {
    unsigned area, depth;
    unsigned bits; /* of a pixel, as the entry says */
    size_t offset, size;
} entry;

static bool is_ico(const vit__source *source)
{
    const uint8_t *b = source->bytes;
    return source->size >= HEADER + ENTRY && memcmp(b, "\0\0\1\0", 4) == 0 && vit__le16(b + 4) > 0;
}

/* A depth that is not given is told by the number of colours: 16 colours, 4 bits. */
static unsigned depth_of(unsigned bits, unsigned colours)
{
    unsigned depth = bits;
    if (depth == 0)
        while (colours > 1u << depth)
            depth++;
    return depth ? depth : 256;
}

static entry read_entry(const uint8_t *b)
{
    const unsigned width = b[0] ? b[0] : 256, height = b[1] ? b[1] : 256, bits = vit__le16(b + 6);
    return (entry){width * height, depth_of(bits, b[2]), bits, vit__le32(b + 12), vit__le32(b + 8)};
}

/* Of several pictures with the same size, the one with the fewest bits is taken, and of equal ones the first. */
static vit_status find_largest(const vit__source *source, entry *largest, vit_error *err)
{
    const size_t count = vit__le16(source->bytes + 4);
    if (source->size < HEADER + count * ENTRY)
        return vit__fail_truncated(source, "icon", err);
    *largest = read_entry(source->bytes + HEADER);
    for (size_t i = 1; i < count; i++) {
        const entry e = read_entry(source->bytes + HEADER + i * ENTRY);
        if (e.area > largest->area || (e.area == largest->area && e.depth < largest->depth))
            *largest = e;
    }
    return largest->offset < source->size ? VIT_OK : vit__fail_truncated(source, "icon", err);
}

/* The mask ends where the entry does: a bit a pixel, rows of whole 32 bits, from the bottom up. */
typedef struct mask {
    const uint8_t *bits; /* NULL: the bitmap has alpha of its own */
    size_t stride;
} mask;

static vit_status find_mask(const vit__dib *dib, const entry *e, mask *found, vit_error *err)
{
    *found = (mask){NULL, ((size_t)dib->width + 31) / 32 * 4};
    if (dib->has_alpha)
        return VIT_OK;
    const size_t size = found->stride * dib->height, end = e->offset + e->size;
    if (end > dib->source->size || size > end)
        return vit__fail_truncated(dib->source, "icon", err);
    found->bits = dib->source->bytes + end - size;
    return VIT_OK;
}

static void apply_mask(const mask *m, const vit__dib *dib, uint32_t y, uint8_t *rgba)
{
    if (!m->bits)
        return;
    const uint8_t *row = m->bits + m->stride * (dib->height - 1 - y);
    for (size_t x = 0; x < dib->width; x++)
        rgba[4 * x + 3] = row[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

static vit_status read_rows(const vit__dib *dib, const mask *m, const vit_load_options *options,
                            const vit__canvas *canvas, vit_error *err)
{
    uint8_t *row = vit__alloc(dib->width, 4);
    if (!row)
        return vit__fail_memory(err, dib->source->name);
    for (uint32_t y = 0; y < dib->height; y++) {
        vit__dib_row(dib, y, 4, row);
        apply_mask(m, dib, y, row);
        vit__alpha_resolve(row, dib->width, options);
        vit__canvas_store(canvas, y, 1, row);
    }
    free(row);
    return VIT_OK;
}

static vit_status read_bitmap(const vit__source *source, const entry *e, const vit_load_options *options,
                              vit_image *image, vit_error *err)
{
    vit__dib dib;
    vit__canvas canvas;
    mask m;
    vit_status status = vit__dib_open(source, e->offset, 0, &dib, err);
    if (status == VIT_OK)
        status = vit__check_pixels(source, options, dib.width, dib.height, err);
    dib.height /= 2;
    dib.has_alpha = e->bits == 32 && dib.bits == 32;
    if (status == VIT_OK)
        status = vit__dib_prepare(&dib, err);
    if (status == VIT_OK)
        status = find_mask(&dib, e, &m, err);
    if (status == VIT_OK)
        status = vit__canvas_create(source, dib.width, dib.height, 1, image, &canvas, err);
    if (status == VIT_OK)
        status = read_rows(&dib, &m, options, &canvas, err);
    free(dib.indices);
    return status;
}

static vit_status read_ico(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    entry largest;
    vit_status status = find_largest(source, &largest, err);
    if (status != VIT_OK)
        return status;
    const vit__source rest = {source->bytes + largest.offset, source->size - largest.offset, source->name,
                              source->sizes};
    if (vit__format_png.accepts(&rest))
        return vit__format_png.read(&rest, options, image, err);
    status = read_bitmap(source, &largest, options, image, err);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

const vit__format vit__format_ico = {"ICO", is_ico, read_ico, NULL};
