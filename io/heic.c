/* SPDX-License-Identifier: BSD-2-Clause */
/* HEIC: the container read by heif.c, the pictures in it decoded by libde265, the colours found by ycbcr.c. The
 * primary picture counts, with clap, irot and imir applied always, in their order, as libheif does; EXIF and XMP
 * orientation never count. A picture may be coded, another picture (iden), a grid of tiles, or an overlay. */
#include "boxes.h"

static bool is_heic(const vit__source *source)
{
    return vit__has_brand(source, "heicheixheimheishevchevxmif1msf1");
}

#ifdef VIT_HAVE_HEIC

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libde265/de265.h>

#include "alpha.h"
#include "bytes.h"
#include "heif.h"
#include "hevc.h"
#include "limit.h"
#include "memory.h"
#include "orient.h"
#include "ycbcr.h"

/* Everything that is decoded or put together for one file, against what the limit allows: an iden of a grid of tiles
 * is three times the picture. The least is for the work that each takes, however small. */
#define BUDGET 4u
#define LEAST_COST 4096u

static struct {
    __typeof__(&de265_new_decoder) create;
    __typeof__(&de265_free_decoder) destroy;
    __typeof__(&de265_push_NAL) push;
    __typeof__(&de265_flush_data) flush;
    __typeof__(&de265_decode) decode;
    __typeof__(&de265_get_next_picture) next_picture;
    __typeof__(&de265_get_error_text) text;
    __typeof__(&de265_get_warning) warning;
    __typeof__(&de265_get_chroma_format) chroma;
    __typeof__(&de265_get_image_width) width;
    __typeof__(&de265_get_image_height) height;
    __typeof__(&de265_get_bits_per_pixel) bits;
    __typeof__(&de265_get_image_plane) plane;
    __typeof__(&de265_get_image_matrix_coefficients) matrix;
    __typeof__(&de265_get_image_full_range_flag) full_range;
} libde265;

static const vit__library_function functions[] = {
    {"de265_new_decoder", &libde265.create},
    {"de265_free_decoder", &libde265.destroy},
    {"de265_push_NAL", &libde265.push},
    {"de265_flush_data", &libde265.flush},
    {"de265_decode", &libde265.decode},
    {"de265_get_next_picture", &libde265.next_picture},
    {"de265_get_error_text", &libde265.text},
    {"de265_get_warning", &libde265.warning},
    {"de265_get_chroma_format", &libde265.chroma},
    {"de265_get_image_width", &libde265.width},
    {"de265_get_image_height", &libde265.height},
    {"de265_get_bits_per_pixel", &libde265.bits},
    {"de265_get_image_plane", &libde265.plane},
    {"de265_get_image_matrix_coefficients", &libde265.matrix},
    {"de265_get_image_full_range_flag", &libde265.full_range},
};

static vit__library library = {
    .file = VIT_HEIC_FILE, .functions = functions, .n = sizeof functions / sizeof *functions};

typedef struct reader {
    const vit__source *source;
    const vit_load_options *options;
    vit_error *err;
    vit__heif heif;
    uint64_t budget; /* pixels */
} reader;

/* An item on its way to a picture. */
typedef struct task {
    const vit__heif_item *item;
    unsigned depth;
    bool in_floats;      /* parts of an overlay */
    const uint8_t *nclx; /* body of the colr box of the picture that this one is a part of, which wins; NULL: none */
} task;

static vit_status decode_item(reader *r, task t, vit_image *image);

static vit_status corrupt(const reader *r, const char *why)
{
    return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "HEIC: %s", why);
}

static vit_status refused(const reader *r, de265_error error)
{
    return error == DE265_ERROR_OUT_OF_MEMORY ? vit__fail_memory(r->err, r->source->name)
                                              : corrupt(r, libde265.text(error));
}

static vit_status spend(reader *r, uint64_t width, uint64_t height)
{
    vit_status status = vit__check_pixels(r->source, r->options, width, height, r->err);
    if (status != VIT_OK)
        return status;
    const uint64_t cost = width * height + LEAST_COST;
    if (cost > r->budget)
        return corrupt(r, "a picture is made of more pictures than any sound one");
    r->budget -= cost;
    return VIT_OK;
}

/* ------------------------------------------------------------------ turns ---- */

/* What of a stored picture is shown, and how it is turned: mirrored, and then rows and columns swapped. */
typedef struct view {
    uint32_t x, y, width, height; /* stored */
    bool swap, mirror_x, mirror_y;
} view;

static void mirror(view *v, bool left_and_right)
{
    if (left_and_right != v->swap)
        v->mirror_x = !v->mirror_x;
    else
        v->mirror_y = !v->mirror_y;
}

/* To the left by 90 degrees: swapped, and then top and bottom. */
static void turn(view *v)
{
    v->swap = !v->swap;
    mirror(v, false);
}

/* Keeps `length` pixels from `first` on, as they are shown along one direction. */
static void cut(uint32_t *at, uint32_t *extent, bool mirrored, uint32_t first, uint32_t length)
{
    *at += mirrored ? *extent - first - length : first;
    *extent = length;
}

/* Clean aperture, along one direction: the size, and how far its middle is from that of the picture. Numbers of 32
 * bits with sign but for the divisors. */
static bool find_aperture(const uint8_t *b, const uint8_t *offset, uint32_t extent, uint32_t *first, uint32_t *length)
{
    const double by = vit__be32(b + 4), offset_by = vit__be32(offset + 4);
    if (by == 0 || offset_by == 0)
        return false;
    const double size = (int32_t)vit__be32(b) / by, shift = (int32_t)vit__be32(offset) / offset_by;
    double begin = floor(shift + ((double)extent - 1) / 2 - (size - 1) / 2), end = begin + floor(size);
    begin = begin < 0 ? 0 : begin;
    end = end > extent ? extent : end;
    if (!(begin < end))
        return false;
    *first = (uint32_t)begin;
    *length = (uint32_t)(end - begin);
    return true;
}

static bool crop(view *v, const vit__box *clap)
{
    uint32_t x, y, width, height;
    if (clap->size < 32)
        return false;
    uint32_t *columns = v->swap ? &v->height : &v->width, *rows = v->swap ? &v->width : &v->height;
    if (!find_aperture(clap->bytes, clap->bytes + 16, *columns, &x, &width) ||
        !find_aperture(clap->bytes + 8, clap->bytes + 24, *rows, &y, &height))
        return false;
    cut(v->swap ? &v->y : &v->x, columns, v->swap ? v->mirror_y : v->mirror_x, x, width);
    cut(v->swap ? &v->x : &v->y, rows, v->swap ? v->mirror_x : v->mirror_y, y, height);
    return true;
}

/* The properties of the item in their order. */
static vit_status find_view(const reader *r, const vit__heif_item *item, view *v)
{
    vit__box p;
    for (size_t n = 0; vit__heif_property(&r->heif, item, n, &p); n++) {
        if (memcmp(p.type, "irot", 4) == 0 && p.size >= 1)
            for (unsigned turns = p.bytes[0] & 3; turns > 0; turns--)
                turn(v);
        else if (memcmp(p.type, "imir", 4) == 0 && p.size >= 1)
            mirror(v, p.bytes[0] & 1);
        else if (memcmp(p.type, "clap", 4) == 0 && !crop(v, &p))
            return corrupt(r, "the clean aperture lies outside of the picture");
    }
    return VIT_OK;
}

/* The picture under construction, and what of the stored pixels goes into it. */
typedef struct target {
    view view;
    vit__canvas canvas;
} target;

static vit_status open_target(const reader *r, const vit__heif_item *item, uint32_t width, uint32_t height,
                              vit_image *image, target *to)
{
    static const int orientations[2][2][2] = {{{1, 4}, {2, 3}}, {{5, 6}, {8, 7}}};
    *to = (target){.view = {.width = width, .height = height}};
    vit_status status = find_view(r, item, &to->view);
    const view *v = &to->view;
    if (status == VIT_OK)
        status = vit__canvas_create(r->source, v->width, v->height, orientations[v->swap][v->mirror_x][v->mirror_y],
                                    image, &to->canvas, r->err);
    return status;
}

/* count pixels of RGB, stored at (x, y). */
static void store(const target *to, uint32_t x, uint32_t y, uint32_t count, const uint8_t *rgb)
{
    const view *v = &to->view;
    if (y < v->y || y - v->y >= v->height || x >= v->x + v->width)
        return;
    const uint32_t skipped = x < v->x ? v->x - x : 0;
    if (skipped >= count)
        return;
    const uint32_t first = x + skipped - v->x, left = v->width - first;
    const uint32_t columns = count - skipped < left ? count - skipped : left;
    vit__canvas_scatter(&to->canvas, y - v->y, (vit__stride){first, 1, columns}, rgb + 3 * (size_t)skipped);
}

/* ------------------------------------------------------------------ coded pictures ---- */

/* Hands a unit over, if it is one that the decoder may see. *begun: a picture has. false in *more: the first picture
 * is complete. */
static vit_status push_unit(reader *r, de265_decoder_context *decoder, const uint8_t *unit, size_t size, bool *begun,
                            bool *more)
{
    uint64_t dimensions[2];
    if (size < 3)
        return VIT_OK;
    const vit__hevc_kind kind = vit__hevc_kind_of(unit);
    if (kind == VIT_HEVC_OTHER_SLICE)
        return corrupt(r, "a picture that is made from others of a film");
    *more = !(kind == VIT_HEVC_FIRST_SLICE && *begun);
    if (!*more)
        return VIT_OK;
    *begun = *begun || kind == VIT_HEVC_FIRST_SLICE;
    if (kind == VIT_HEVC_SIZE) {
        if (!vit__hevc_size(unit, size, dimensions))
            return corrupt(r, "the parameters of a coded picture are broken");
        vit_status status = vit__check_pixels(r->source, r->options, dimensions[0], dimensions[1], r->err);
        if (status == VIT_OK)
            status = spend(r, dimensions[0], dimensions[1]);
        if (status != VIT_OK)
            return status;
    }
    const de265_error error = libde265.push(decoder, unit, (int)size, 0, NULL);
    return error == DE265_OK ? VIT_OK : refused(r, error);
}

/* Units one behind the other, each with its length before it in `prefix` bytes. */
static vit_status push_units(reader *r, de265_decoder_context *decoder, vit__box units, unsigned prefix, bool *begun)
{
    bool more = true;
    while (more && units.size >= prefix) {
        size_t length = 0;
        for (unsigned i = 0; i < prefix; i++)
            length = length << 8 | units.bytes[i];
        if (length > units.size - prefix)
            return vit__fail_truncated(r->source, "HEIC", r->err);
        vit_status status = push_unit(r, decoder, units.bytes + prefix, length, begun, &more);
        if (status != VIT_OK)
            return status;
        units.bytes += prefix + length;
        units.size -= prefix + length;
    }
    return VIT_OK;
}

/* hvcC: 22 bytes; then arrays of units, each with a byte, a count of 16 bits, and lengths of 16 bits. */
static vit_status push_parameters(reader *r, de265_decoder_context *decoder, vit__box config, unsigned *prefix)
{
    if (config.size < 23)
        return corrupt(r, "a coded picture has no parameters");
    bool begun = false, more = true;
    *prefix = (config.bytes[21] & 3u) + 1;
    size_t at = 23;
    for (unsigned arrays = config.bytes[22]; arrays > 0; arrays--) {
        if (config.size - at < 3)
            return corrupt(r, "the parameters of a coded picture are cut");
        unsigned units = vit__be16(config.bytes + at + 1);
        for (at += 3; units > 0; units--) {
            const size_t length = config.size - at >= 2 ? vit__be16(config.bytes + at) : 0;
            if (config.size - at < 2 || length > config.size - at - 2)
                return corrupt(r, "the parameters of a coded picture are cut");
            vit_status status = push_unit(r, decoder, config.bytes + at + 2, length, &begun, &more);
            if (status != VIT_OK)
                return status;
            at += 2 + length;
        }
    }
    return begun ? corrupt(r, "a picture among its own parameters") : VIT_OK;
}

/* Without memory for the filter that smooths a picture, libde265 leaves the filter out and only warns. */
static bool is_filtered(de265_decoder_context *decoder)
{
    bool filtered = true;
    for (de265_error warning; (warning = libde265.warning(decoder)) != DE265_OK;)
        filtered = filtered && warning != DE265_WARNING_CANNOT_APPLY_SAO_OUT_OF_MEMORY;
    return filtered;
}

static vit_status run_decoder(reader *r, de265_decoder_context *decoder, const struct de265_image **picture)
{
    int more = 1;
    libde265.flush(decoder);
    *picture = NULL;
    while (more && !*picture) {
        const de265_error error = libde265.decode(decoder, &more);
        if (error != DE265_OK)
            return refused(r, error);
        *picture = libde265.next_picture(decoder);
    }
    if (!is_filtered(decoder))
        return vit__fail_memory(r->err, r->source->name);
    return *picture ? VIT_OK : corrupt(r, "the coded data hold no picture");
}

static vit_status take_planes(const reader *r, const struct de265_image *picture, vit__planes *p)
{
    const enum de265_chroma chroma = libde265.chroma(picture);
    *p = (vit__planes){.width = (uint32_t)libde265.width(picture, 0),
                       .height = (uint32_t)libde265.height(picture, 0),
                       .bits = (unsigned)libde265.bits(picture, 0),
                       .shift_x = chroma == de265_chroma_420 || chroma == de265_chroma_422,
                       .shift_y = chroma == de265_chroma_420,
                       .gray = chroma == de265_chroma_mono};
    if (p->width == 0 || p->height == 0 || p->bits < 8 || p->bits > 16)
        return corrupt(r, "a coded picture without pixels");
    for (int c = 0; c < (p->gray ? 1 : 3); c++) {
        int stride = 0;
        p->plane[c] = libde265.plane(picture, c, &stride);
        p->stride[c] = (size_t)stride;
        const uint32_t width = (uint32_t)libde265.width(picture, c), height = (uint32_t)libde265.height(picture, c);
        const unsigned shift_x = c ? p->shift_x : 0, shift_y = c ? p->shift_y : 0;
        if (!p->plane[c] || (unsigned)libde265.bits(picture, c) != p->bits || width <= (p->width - 1) >> shift_x ||
            height <= (p->height - 1) >> shift_y)
            return corrupt(r, "a coded picture whose planes differ");
    }
    return VIT_OK;
}

/* The body of the item's colr box of kind nclx: primaries, transfer, matrix, of 16 bits each, and a byte whose highest
 * bit says full range. NULL: there is none, or it leaves all open. */
static const uint8_t *find_nclx(const reader *r, const vit__heif_item *item)
{
    static const uint8_t open[] = {0, 2, 0, 2, 0, 2};
    vit__box p;
    for (size_t n = 0; vit__heif_property(&r->heif, item, n, &p); n++)
        if (memcmp(p.type, "colr", 4) == 0 && p.size >= 11 && memcmp(p.bytes, "nclx", 4) == 0)
            return memcmp(p.bytes + 4, open, sizeof open) == 0 && p.bytes[10] & 0x80 ? NULL : p.bytes + 4;
    return NULL;
}

/* As the nclx box says; without one, as the coded picture says, whose range is limited if it says nothing. A matrix
 * that is left open is BT.601's. */
static vit__ycbcr find_colours(task t, const struct de265_image *picture, const vit__planes *planes)
{
    const unsigned matrix = t.nclx ? vit__be16(t.nclx + 4) : (unsigned)libde265.matrix(picture);
    const bool full = t.nclx ? t.nclx[6] & 0x80 : libde265.full_range(picture) != 0;
    return vit__ycbcr_of(planes, matrix, full, t.in_floats);
}

static vit_status store_planes(const reader *r, task t, const vit__planes *planes, const vit__ycbcr *colours,
                               vit_image *image)
{
    target to;
    vit_status status = open_target(r, t.item, planes->width, planes->height, image, &to);
    if (status != VIT_OK)
        return status;
    uint8_t *row = vit__alloc(planes->width, 3);
    if (!row)
        return vit__fail_memory(r->err, r->source->name);
    for (uint32_t y = 0; y < planes->height; y++) {
        vit__ycbcr_row(planes, colours, y, row);
        store(&to, 0, y, planes->width, row);
    }
    free(row);
    return VIT_OK;
}

static vit_status decode_coded(reader *r, task t, vit_image *image)
{
    vit__box config, data;
    uint8_t *joined = NULL;
    unsigned prefix = 4;
    bool begun = false;
    const struct de265_image *picture = NULL;
    vit__planes planes;
    if (!vit__heif_find_property(&r->heif, t.item, "hvcC", &config))
        return corrupt(r, "a coded picture has no parameters");
    vit_status status = vit__heif_data(&r->heif, t.item, &data, &joined, r->err);
    de265_decoder_context *decoder = status == VIT_OK ? libde265.create() : NULL;
    if (status == VIT_OK && !decoder)
        status = vit__fail_memory(r->err, r->source->name);
    if (status == VIT_OK)
        status = push_parameters(r, decoder, config, &prefix);
    if (status == VIT_OK)
        status = push_units(r, decoder, data, prefix, &begun);
    if (status == VIT_OK)
        status = run_decoder(r, decoder, &picture);
    if (status == VIT_OK)
        status = take_planes(r, picture, &planes);
    if (status == VIT_OK) {
        const vit__ycbcr colours = find_colours(t, picture, &planes);
        status = store_planes(r, t, &planes, &colours, image);
    }
    if (decoder)
        libde265.destroy(decoder);
    free(joined);
    return status;
}

/* ------------------------------------------------------------------ pictures of pictures ---- */

static void store_picture(const target *to, uint32_t x, uint32_t y, const vit_image *picture)
{
    for (uint32_t i = 0; i < picture->height; i++)
        store(to, x, y + i, picture->width, picture->pixels + 3 * (size_t)i * picture->width);
}

/* The n-th picture that an item is made of. */
static vit_status decode_part(reader *r, task t, const vit__heif_ids *parts, size_t n, vit_image *image)
{
    const vit__heif_item *item = n < parts->count ? vit__heif_find(&r->heif, vit__heif_id(parts, n)) : NULL;
    if (!item)
        return corrupt(r, "a picture is made of one that is not there");
    return decode_item(r, (task){item, t.depth + 1, t.in_floats, t.nclx}, image);
}

static vit_status decode_identity(reader *r, task t, vit_image *image)
{
    const vit__heif_ids parts = vit__heif_references(&r->heif, "dimg", t.item->id);
    vit_image part = {0};
    target to;
    vit_status status = decode_part(r, t, &parts, 0, &part);
    if (status == VIT_OK)
        status = spend(r, part.width, part.height);
    if (status == VIT_OK)
        status = open_target(r, t.item, part.width, part.height, image, &to);
    if (status == VIT_OK)
        store_picture(&to, 0, 0, &part);
    vit_image_free(&part);
    return status;
}

/* The size at the front of what is left, in numbers of `wide` bytes. */
static bool take_size(vit__box *rest, size_t wide, uint32_t size[2])
{
    if (rest->size < 2 * wide)
        return false;
    for (size_t i = 0; i < 2; i++)
        size[i] = wide == 4 ? vit__be32(rest->bytes + 4 * i) : vit__be16(rest->bytes + 2 * i);
    rest->bytes += 2 * wide;
    rest->size -= 2 * wide;
    return size[0] > 0 && size[1] > 0;
}

/* All tiles have the size of the first, and together cover the grid. */
static vit_status fill_grid(reader *r, task t, const target *to, const uint32_t cells[2], const uint32_t size[2])
{
    const vit__heif_ids parts = vit__heif_references(&r->heif, "dimg", t.item->id);
    vit_status status = VIT_OK;
    uint32_t first[2] = {0};
    if (parts.count != (size_t)cells[0] * cells[1])
        return corrupt(r, "a grid has not as many tiles as it says");
    for (uint32_t i = 0; i < parts.count && status == VIT_OK; i++) {
        vit_image tile = {0};
        status = decode_part(r, t, &parts, i, &tile);
        if (status == VIT_OK && i == 0)
            first[0] = tile.width, first[1] = tile.height;
        if (status == VIT_OK && (tile.width != first[0] || tile.height != first[1] ||
                                 (uint64_t)first[0] * cells[0] < size[0] || (uint64_t)first[1] * cells[1] < size[1]))
            status = corrupt(r, "the tiles of a grid do not fit");
        /* tiles that lie wholly outside are cut off, with what sticks out of the others */
        const uint64_t x = (uint64_t)first[0] * (i % cells[0]), y = (uint64_t)first[1] * (i / cells[0]);
        if (status == VIT_OK && x < size[0] && y < size[1])
            store_picture(to, (uint32_t)x, (uint32_t)y, &tile);
        vit_image_free(&tile);
    }
    return status;
}

/* Version, flags, rows - 1, columns - 1, width, height. */
static vit_status decode_grid(reader *r, task t, vit__box body, vit_image *image)
{
    uint32_t size[2];
    target to;
    if (body.size < 4)
        return corrupt(r, "a grid is cut");
    const size_t wide = body.bytes[1] & 1 ? 4 : 2;
    const uint32_t cells[2] = {body.bytes[3] + 1u, body.bytes[2] + 1u};
    body.bytes += 4;
    body.size -= 4;
    if (!take_size(&body, wide, size))
        return corrupt(r, "a grid is cut");
    vit_status status = spend(r, size[0], size[1]);
    if (status == VIT_OK)
        status = open_target(r, t.item, size[0], size[1], image, &to);
    if (status == VIT_OK)
        status = fill_grid(r, t, &to, cells, size);
    return status;
}

/* Where a picture lies on a canvas that it may stick out of. */
static void overlay(const vit_image *piece, int64_t x, int64_t y, vit_image *onto)
{
    const int64_t left = x < 0 ? -x : 0, width = piece->width, columns = (int64_t)onto->width - x;
    const int64_t right = width < columns ? width : columns;
    for (int64_t i = 0; i < piece->height; i++)
        if (y + i >= 0 && y + i < onto->height && left < right)
            memcpy(onto->pixels + 3 * ((size_t)(y + i) * onto->width + (size_t)(x + left)),
                   piece->pixels + 3 * ((size_t)i * piece->width + (size_t)left), 3 * (size_t)(right - left));
}

static int64_t signed_number(const uint8_t *b, size_t wide)
{
    return wide == 4 ? (int32_t)vit__be32(b) : (int16_t)vit__be16(b);
}

static vit_status fill_overlay(reader *r, task t, vit__box places, size_t wide, vit_image *canvas)
{
    const vit__heif_ids parts = vit__heif_references(&r->heif, "dimg", t.item->id);
    vit_status status = VIT_OK;
    t.in_floats = true;
    t.nclx = NULL; /* each part has its own colours */
    if (places.size < parts.count * 2 * wide)
        return corrupt(r, "an overlay is cut");
    for (size_t n = 0; n < parts.count && status == VIT_OK; n++) {
        const uint8_t *place = places.bytes + n * 2 * wide;
        vit_image piece = {0};
        status = decode_part(r, t, &parts, n, &piece);
        if (status == VIT_OK)
            overlay(&piece, signed_number(place, wide), signed_number(place + wide, wide), canvas);
        vit_image_free(&piece);
    }
    return status;
}

/* Version, flags, four colours of 16 bits, width, height, and where each picture lies. */
static vit_status decode_overlay(reader *r, task t, vit__box body, vit_image *image)
{
    uint32_t size[2];
    vit_image canvas = {0};
    target to;
    if (body.size < 10)
        return corrupt(r, "an overlay is cut");
    const size_t wide = body.bytes[1] & 1 ? 4 : 2;
    const uint8_t colour[3] = {body.bytes[2], body.bytes[4], body.bytes[6]};
    body.bytes += 10;
    body.size -= 10;
    if (!take_size(&body, wide, size))
        return corrupt(r, "an overlay is cut");
    vit_status status = spend(r, size[0], size[1]);
    if (status == VIT_OK && vit_image_alloc(size[0], size[1], &canvas, NULL) != VIT_OK)
        status = vit__fail_memory(r->err, r->source->name);
    for (size_t i = 0; status == VIT_OK && i < (size_t)size[0] * size[1]; i++)
        memcpy(canvas.pixels + 3 * i, colour, 3);
    if (status == VIT_OK)
        status = fill_overlay(r, t, body, wide, &canvas);
    if (status == VIT_OK)
        status = open_target(r, t.item, size[0], size[1], image, &to);
    if (status == VIT_OK)
        store_picture(&to, 0, 0, &canvas);
    vit_image_free(&canvas);
    return status;
}

static vit_status decode_derived(reader *r, task t, bool is_grid, vit_image *image)
{
    vit__box body;
    uint8_t *joined = NULL;
    vit_status status = vit__heif_data(&r->heif, t.item, &body, &joined, r->err);
    if (status == VIT_OK)
        status = is_grid ? decode_grid(r, t, body, image) : decode_overlay(r, t, body, image);
    free(joined);
    return status;
}

/* ispe: the size that is promised. What is decoded has its own, which is checked too. */
static vit_status check_promise(const reader *r, const vit__heif_item *item)
{
    vit__box p;
    if (!vit__heif_find_property(&r->heif, item, "ispe", &p) || p.size < 12)
        return VIT_OK;
    return vit__check_pixels(r->source, r->options, vit__be32(p.bytes + 4), vit__be32(p.bytes + 8), r->err);
}

/* On failure nothing is left in *image. */
static vit_status decode_item(reader *r, task t, vit_image *image)
{
    const char *type = t.item->type;
    vit_status status = check_promise(r, t.item);
    if (status == VIT_OK && t.depth > VIT__LIMIT_HEIF_DEPTH)
        status = corrupt(r, "pictures are made of each other in a circle");
    if (status != VIT_OK)
        return status;
    t.nclx = t.nclx ? t.nclx : find_nclx(r, t.item);
    if (memcmp(type, "hvc1", 4) == 0 || memcmp(type, "hev1", 4) == 0)
        status = decode_coded(r, t, image);
    else if (memcmp(type, "iden", 4) == 0)
        status = decode_identity(r, t, image);
    else if (memcmp(type, "grid", 4) == 0 || memcmp(type, "iovl", 4) == 0)
        status = decode_derived(r, t, type[0] == 'g', image);
    else
        status = vit__fail(r->err, VIT_ERR_UNSUPPORTED_FORMAT, r->source->name,
                           "HEIF: a picture coded as \"%.4s\" is not read, only HEVC (HEIC); convert it to PNG or JPEG",
                           type);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

/* ------------------------------------------------------------------ alpha ---- */

static bool is_alpha(const reader *r, const vit__heif_item *item)
{
    static const char *const kinds[] = {"auxid:1", "alpha"};
    vit__box p;
    if (!vit__heif_find_property(&r->heif, item, "auxC", &p))
        return false;
    return memmem(p.bytes, p.size, kinds[0], strlen(kinds[0])) || memmem(p.bytes, p.size, kinds[1], strlen(kinds[1]));
}

/* The item that says of itself that it is the alpha of this one. */
static const vit__heif_item *find_alpha(const reader *r, uint32_t of)
{
    for (size_t i = 0; i < r->heif.n_items; i++) {
        const vit__heif_item *item = &r->heif.items[i];
        const vit__heif_ids to = vit__heif_references(&r->heif, "auxl", item->id);
        for (size_t n = 0; n < to.count; n++)
            if (vit__heif_id(&to, n) == of && is_alpha(r, item))
                return item;
    }
    return NULL;
}

/* The alpha may have another size: of its pixels the next one counts, then. */
static void composite(const reader *r, const vit_image *alpha, vit_image *image)
{
    for (size_t y = 0; y < image->height; y++) {
        const uint8_t *row = alpha->pixels + 3 * (y * alpha->height / image->height) * alpha->width;
        for (size_t x = 0; x < image->width; x++) {
            uint8_t *pixel = image->pixels + 3 * (y * image->width + x);
            uint8_t rgba[4] = {pixel[0], pixel[1], pixel[2], row[3 * (x * alpha->width / image->width)]};
            vit__alpha_composite(rgba, 1, r->options->background);
            memcpy(pixel, rgba, 3);
        }
    }
}

static vit_status apply_alpha(reader *r, vit_image *image)
{
    const vit__heif_item *item = r->options->composite ? find_alpha(r, r->heif.primary) : NULL;
    vit_image alpha = {0};
    if (!item)
        return VIT_OK;
    vit_status status = decode_item(r, (task){.item = item}, &alpha);
    if (status == VIT_OK)
        composite(r, &alpha, image);
    vit_image_free(&alpha);
    return status;
}

static vit_status read_heic(const vit__source *source, const vit_load_options *options, vit_image *image,
                            vit_error *err)
{
    if (!vit__library_load(&library))
        return vit__fail_not_loaded(source, "HEIC", &library, err);
    reader r = {.source = source, .options = options, .err = err};
    r.budget = options->max_pixels > UINT64_MAX / BUDGET ? UINT64_MAX : options->max_pixels * BUDGET;
    r.budget += r.budget < UINT64_MAX / 2 ? 64 * LEAST_COST : 0;
    vit_status status = vit__heif_open(source, &r.heif, err);
    const vit__heif_item *primary = status == VIT_OK ? vit__heif_find(&r.heif, r.heif.primary) : NULL;
    if (status == VIT_OK && !primary)
        status = corrupt(&r, "the main picture is not there");
    if (status == VIT_OK)
        status = decode_item(&r, (task){.item = primary}, image);
    if (status == VIT_OK)
        status = apply_alpha(&r, image);
    vit__heif_close(&r.heif);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

#else
#define read_heic NULL
#endif

const vit__format vit__format_heic = {"HEIC", is_heic, read_heic, "install libde265-dev"};
