/* SPDX-License-Identifier: BSD-2-Clause */
/* TIFF and BigTIFF: the first directory. libtiff gives rows and tiles as they are stored, unpacked; what their samples
 * mean is found here, by Pillow's rules. (libtiff's own way to colours multiplies alpha in and rounds 16 bits
 * otherwise.) The orientation is applied always, as in Pillow. */
#include <string.h>

#include "reader.h"

static bool is_tiff(const vit__source *source)
{
    static const char magic[][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
        if (source->size >= 8 && memcmp(source->bytes, magic[i], 4) == 0)
            return true;
    return false;
}

#ifdef VIT_HAVE_TIFF

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <tiffio.h>

#include "alpha.h"
#include "cmyk.h"
#include "exif.h"
#include "memory.h"
#include "orient.h"
#include "palette.h"
#include "size.h"

#define MOST_SAMPLES 6 /* a pixel; Pillow's limit */

/* libtiff may not ask for more than this and eight times the file at once: tables of a directory are as large as the
 * file says, and numbers of two bytes become eight. Pixels are unpacked into memory of our own. */
#define LIBTIFF_MEMORY ((size_t)64 << 20)

/* Below this many bytes of pixels it does not matter what the file can hold. */
#define FREE_BYTES (UINT64_C(1) << 24)

static struct {
    __typeof__(&TIFFOpenOptionsAlloc) options_alloc;
    __typeof__(&TIFFOpenOptionsFree) options_free;
    __typeof__(&TIFFOpenOptionsSetMaxSingleMemAlloc) options_memory;
    __typeof__(&TIFFOpenOptionsSetErrorHandlerExtR) options_errors;
    __typeof__(&TIFFOpenOptionsSetWarningHandlerExtR) options_warnings;
    __typeof__(&TIFFClientOpenExt) open;
    __typeof__(&TIFFClose) close;
    __typeof__(&TIFFGetField) get;
    __typeof__(&TIFFGetFieldDefaulted) get_or_default;
    __typeof__(&TIFFSetField) set;
    __typeof__(&TIFFIsTiled) is_tiled;
    __typeof__(&TIFFScanlineSize64) row_size;
    __typeof__(&TIFFTileRowSize64) tile_row_size;
    __typeof__(&TIFFReadScanline) read_row;
    __typeof__(&TIFFReadEncodedStrip) read_strip;
    __typeof__(&TIFFReadTile) read_tile;
    __typeof__(&TIFFReadRGBAStripExt) read_rgba_strip;
    __typeof__(&TIFFReadRGBATileExt) read_rgba_tile;
    __typeof__(&TIFFNumberOfStrips) strips;
    __typeof__(&TIFFNumberOfTiles) tiles;
    __typeof__(&TIFFGetStrileByteCount) stored_bytes;
} libtiff;

static const vit__library_function functions[] = {
    {"TIFFOpenOptionsAlloc", &libtiff.options_alloc},
    {"TIFFOpenOptionsFree", &libtiff.options_free},
    {"TIFFOpenOptionsSetMaxSingleMemAlloc", &libtiff.options_memory},
    {"TIFFOpenOptionsSetErrorHandlerExtR", &libtiff.options_errors},
    {"TIFFOpenOptionsSetWarningHandlerExtR", &libtiff.options_warnings},
    {"TIFFClientOpenExt", &libtiff.open},
    {"TIFFClose", &libtiff.close},
    {"TIFFGetField", &libtiff.get},
    {"TIFFGetFieldDefaulted", &libtiff.get_or_default},
    {"TIFFSetField", &libtiff.set},
    {"TIFFIsTiled", &libtiff.is_tiled},
    {"TIFFScanlineSize64", &libtiff.row_size},
    {"TIFFTileRowSize64", &libtiff.tile_row_size},
    {"TIFFReadScanline", &libtiff.read_row},
    {"TIFFReadEncodedStrip", &libtiff.read_strip},
    {"TIFFReadTile", &libtiff.read_tile},
    {"TIFFReadRGBAStripExt", &libtiff.read_rgba_strip},
    {"TIFFReadRGBATileExt", &libtiff.read_rgba_tile},
    {"TIFFNumberOfStrips", &libtiff.strips},
    {"TIFFNumberOfTiles", &libtiff.tiles},
    {"TIFFGetStrileByteCount", &libtiff.stored_bytes},
};

static vit__library library = {
    .file = VIT_TIFF_FILE, .functions = functions, .n = sizeof functions / sizeof *functions};

/* What the samples of a pixel are. */
typedef enum kind { TABLE, RGB, CMYK, CONVERTED } kind;
typedef enum alpha { NO_ALPHA, ALPHA, MULTIPLIED } alpha;

typedef struct reader {
    const vit__source *source;
    const vit_load_options *options;
    vit_image *image;
    vit_error *err;
    uint64_t offset;          /* libtiff's, in the file */
    char why[200];            /* the first that libtiff complained about */
    TIFF *tiff[MOST_SAMPLES]; /* one, or one for each plane: each goes through its rows from the first on */
    uint32_t width, height;
    uint32_t unit_width, unit_height; /* of what is read at once: a row, a tile or a strip */
    uint16_t bits, samples, compression, photometric;
    bool tiled, planar;
    kind kind;
    alpha alpha;
    unsigned colours; /* samples that count, alpha not among them */
    size_t row_size;  /* of a unit, in one plane */
    uint8_t table[VIT_PALETTE][3];
    vit__canvas canvas;
    uint8_t *unit[MOST_SAMPLES]; /* as read, a plane each */
    uint8_t *levels, *pixels;    /* of a row of a unit: 8-bit samples of whole pixels; RGBA */
} reader;

/* ------------------------------------------------------------------ libtiff's callbacks ---- */

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) VIT_PRINTF(4, 0);

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff;
    (void)module;
    reader *r = user;
    if (!r->why[0])
        vsnprintf(r->why, sizeof r->why, format, arguments);
    return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments)
{
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t count)
{
    reader *r = handle;
    const uint64_t left = r->offset < r->source->size ? r->source->size - r->offset : 0;
    const size_t given = count > 0 ? vit__smaller((size_t)count, (size_t)left) : 0;
    if (given > 0)
        memcpy(to, r->source->bytes + r->offset, given);
    r->offset += given;
    return (tmsize_t)given;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t count)
{
    (void)handle;
    (void)from;
    (void)count;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t to, int from)
{
    reader *r = handle;
    r->offset = from == SEEK_CUR ? r->offset + to : from == SEEK_END ? r->source->size + to : to;
    return r->offset;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle)
{
    return ((reader *)handle)->source->size;
}

/* So that libtiff unpacks from where the bytes are. It writes nothing there. */
static int map(thandle_t handle, void **base, toff_t *size)
{
    const vit__source *source = ((reader *)handle)->source;
    memcpy(base, &source->bytes, sizeof source->bytes);
    *size = source->size;
    return 1;
}

static void unmap(thandle_t handle, void *base, toff_t size)
{
    (void)handle;
    (void)base;
    (void)size;
}

/* ------------------------------------------------------------------ errors ---- */

/* libtiff does not tell a lack of memory from damage, and malloc does. errno is 0 whenever libtiff is called. */
static vit_status fail(const reader *r, const char *what)
{
    if (errno == ENOMEM)
        return vit__fail_memory(r->err, r->source->name);
    return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "TIFF: %s", r->why[0] ? r->why : what);
}

static vit_status refuse(const reader *r, const char *what, unsigned long value)
{
    return vit__fail(r->err, VIT_ERR_UNSUPPORTED_FORMAT, r->source->name,
                     "TIFF: %s %lu is not read; convert the picture to PNG or JPEG", what, value);
}

/* ------------------------------------------------------------------ directory ---- */

static vit_status open_plane(reader *r, unsigned plane)
{
    TIFFOpenOptions *options = libtiff.options_alloc();
    if (!options)
        return vit__fail_memory(r->err, r->source->name);
    const size_t most = LIBTIFF_MEMORY + 8 * r->source->size;
    libtiff.options_memory(options, (tmsize_t)most);
    libtiff.options_errors(options, on_error, r);
    libtiff.options_warnings(options, on_warning, r);
    r->offset = 0;
    r->tiff[plane] = libtiff.open("picture", "r", r, read_bytes, write_nothing, seek, close_nothing, size_of, map,
                                  unmap, options);
    libtiff.options_free(options);
    return r->tiff[plane] ? VIT_OK : fail(r, "the first directory cannot be read");
}

/* Raw files of cameras are TIFF, and their first directory is a thumbnail of a few pixels. */
static bool is_camera_raw(const reader *r)
{
    uint32_t subfile = 0;
    uint16_t count = 0;
    void *value = NULL;
    if (r->source->size >= 10 && memcmp(r->source->bytes + 8, "CR", 2) == 0)
        return true;
    if (libtiff.get(r->tiff[0], TIFFTAG_DNGVERSION, &value))
        return true;
    return libtiff.get(r->tiff[0], TIFFTAG_SUBFILETYPE, &subfile) && (subfile & 1) &&
           libtiff.get(r->tiff[0], TIFFTAG_SUBIFD, &count, &value);
}

static uint16_t number(const reader *r, uint32_t tag)
{
    uint16_t value = 0;
    libtiff.get_or_default(r->tiff[0], tag, &value);
    return value;
}

/* For each packed byte, the most that it can become. Fax codes have at least a bit a row. */
static uint64_t expansion_of(const reader *r)
{
    switch (r->compression) {
    case COMPRESSION_NONE:
        return 1;
    case COMPRESSION_PACKBITS:
        return 64;
    case COMPRESSION_LZW:
        return 4096;
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
        return 1032;
    case COMPRESSION_JPEG:
        return 1024;
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
        return 8 * (uint64_t)r->row_size;
    default:
        return 0;
    }
}

/* Of the samples behind the colours, the first may be alpha. Where a file of four samples does not say, it is. */
static void find_alpha(reader *r)
{
    uint16_t count = 0, *types = NULL;
    if (r->samples == r->colours || r->kind == CMYK)
        return;
    if (!libtiff.get(r->tiff[0], TIFFTAG_EXTRASAMPLES, &count, &types) || count == 0)
        r->alpha = r->kind == RGB && r->samples == 4 ? ALPHA : NO_ALPHA;
    else if (types[0] == EXTRASAMPLE_ASSOCALPHA)
        r->alpha = MULTIPLIED;
    else if (types[0] != EXTRASAMPLE_UNSPECIFIED)
        r->alpha = ALPHA;
}

/* Gray is a table too, of more than 8 bits by the highest 8. */
static vit_status fill_gray(reader *r)
{
    const unsigned most = r->bits < 8 ? (1u << r->bits) - 1 : 255;
    const bool inverted = r->photometric == PHOTOMETRIC_MINISWHITE;
    for (unsigned i = 0; i <= most; i++)
        memset(r->table[i], (int)((inverted ? most - i : i) * 255 / most), 3);
    return VIT_OK;
}

static vit_status fill_palette(reader *r)
{
    uint16_t *rgb[3] = {NULL};
    if (r->bits > 8)
        return refuse(r, "a table of colours for bits", r->bits);
    if (!libtiff.get(r->tiff[0], TIFFTAG_COLORMAP, &rgb[0], &rgb[1], &rgb[2]))
        return fail(r, "the table of colours is missing");
    for (size_t i = 0; i < (size_t)1 << r->bits; i++)
        for (size_t c = 0; c < 3; c++)
            r->table[i][c] = (uint8_t)(rgb[c][i] >> 8);
    return VIT_OK;
}

static vit_status find_kind(reader *r)
{
    r->colours = 1;
    switch (r->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
        return fill_gray(r);
    case PHOTOMETRIC_PALETTE:
        return fill_palette(r);
    case PHOTOMETRIC_RGB:
        r->kind = RGB;
        r->colours = 3;
        return VIT_OK;
    case PHOTOMETRIC_SEPARATED:
        r->kind = CMYK;
        r->colours = 4;
        return VIT_OK;
    case PHOTOMETRIC_YCBCR:
        if (r->samples == 1)
            return fill_gray(r);
        r->colours = 3;
        r->kind = CONVERTED;
        if (r->compression == COMPRESSION_JPEG && !r->planar) {
            r->kind = RGB; /* by libjpeg's own conversion */
            libtiff.set(r->tiff[0], TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        }
        return VIT_OK;
    default:
        return refuse(r, "the colour space", r->photometric);
    }
}

static vit_status check_samples(const reader *r)
{
    const uint16_t format = number(r, TIFFTAG_SAMPLEFORMAT);
    const bool few = r->bits == 1 || r->bits == 2 || r->bits == 4 || r->bits == 12;
    const bool byte = r->bits == 8 && r->kind == TABLE; /* taken as if it had no sign, as in Pillow */
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID && !(format == SAMPLEFORMAT_INT && byte))
        return refuse(r, "the number format", format);
    if (r->bits != 8 && r->bits != 16 && !(few && r->kind == TABLE))
        return refuse(r, "a depth of bits of", r->bits);
    if (r->kind == CONVERTED && r->bits != 8)
        return refuse(r, "YCbCr with a depth of bits of", r->bits);
    if (r->samples < r->colours)
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "TIFF: %u samples a pixel are too few", r->samples);
    return VIT_OK;
}

static vit_status read_directory(reader *r)
{
    if (is_camera_raw(r))
        return vit__fail(
            r->err, VIT_ERR_UNSUPPORTED_FORMAT, r->source->name,
            "this is a camera's raw file (DNG, NEF, CR2, ARW), which this project does not develop; have a "
            "program for photos write a JPEG or TIFF of it");
    if (!libtiff.get(r->tiff[0], TIFFTAG_IMAGEWIDTH, &r->width) ||
        !libtiff.get(r->tiff[0], TIFFTAG_IMAGELENGTH, &r->height) || r->width == 0 || r->height == 0)
        return fail(r, "the picture has no size");
    r->bits = number(r, TIFFTAG_BITSPERSAMPLE);
    r->samples = number(r, TIFFTAG_SAMPLESPERPIXEL);
    r->compression = number(r, TIFFTAG_COMPRESSION);
    r->planar = number(r, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE && r->samples > 1;
    r->tiled = libtiff.is_tiled(r->tiff[0]);
    libtiff.get(r->tiff[0], TIFFTAG_PHOTOMETRIC, &r->photometric); /* missing: 0, as in Pillow */
    if (r->samples == 0 || r->samples > MOST_SAMPLES)
        return refuse(r, "a number of samples a pixel of", r->samples);
    if (expansion_of(r) == 0 && r->compression != COMPRESSION_CCITTFAX3 && r->compression != COMPRESSION_CCITTFAX4 &&
        r->compression != COMPRESSION_CCITTRLE && r->compression != COMPRESSION_CCITTRLEW)
        return refuse(r, "compression", r->compression);
    vit_status status = find_kind(r);
    if (status == VIT_OK)
        status = check_samples(r);
    if (status == VIT_OK)
        find_alpha(r);
    return status;
}

/* ------------------------------------------------------------------ sizes ---- */

/* Whether strips are read whole. In PackBits a run may reach into the next row, and libtiff then loses it where rows
 * are asked for one by one. Others are read row by row, since a strip may be the whole picture. */
static bool by_strips(const reader *r)
{
    return !r->tiled && (r->kind == CONVERTED || r->compression == COMPRESSION_PACKBITS);
}

/* What is read at once, and the bytes of its rows, which libtiff must count as we do. */
static vit_status find_units(reader *r)
{
    r->unit_width = r->width;
    r->unit_height = 1;
    if (r->tiled) {
        libtiff.get(r->tiff[0], TIFFTAG_TILEWIDTH, &r->unit_width);
        libtiff.get(r->tiff[0], TIFFTAG_TILELENGTH, &r->unit_height);
    } else if (by_strips(r)) {
        libtiff.get_or_default(r->tiff[0], TIFFTAG_ROWSPERSTRIP, &r->unit_height);
        r->unit_height = r->unit_height < r->height ? r->unit_height : r->height;
    }
    if (r->unit_width == 0 || r->unit_height == 0)
        return fail(r, "tiles without pixels");
    vit_status status = vit__check_pixels(r->source, r->options, r->width, r->height, r->err);
    if (status == VIT_OK)
        status = vit__check_pixels(r->source, r->options, r->unit_width, r->unit_height, r->err);
    if (status != VIT_OK)
        return status;
    if (r->kind == CONVERTED) {
        r->row_size = (size_t)r->unit_width * 4;
        return VIT_OK;
    }
    r->row_size = ((size_t)r->unit_width * r->bits * (r->planar ? 1 : r->samples) + 7) / 8;
    const uint64_t theirs = r->tiled ? libtiff.tile_row_size(r->tiff[0]) : libtiff.row_size(r->tiff[0]);
    return theirs == r->row_size ? VIT_OK : fail(r, "rows of a size that does not fit the samples");
}

/* Whether the stored bytes can be so many pixels. */
static vit_status check_bytes(reader *r)
{
    const uint32_t n = r->tiled ? libtiff.tiles(r->tiff[0]) : libtiff.strips(r->tiff[0]);
    const uint64_t pixels = (uint64_t)r->width * r->height;
    const uint64_t unpacked = pixels * r->samples * r->bits / 8;
    uint64_t stored = 0;
    if (unpacked <= FREE_BYTES || r->kind == CONVERTED)
        return VIT_OK;
    for (uint32_t i = 0; i < n; i++)
        stored += vit__smaller(libtiff.stored_bytes(r->tiff[0], i), r->source->size);
    if (unpacked / expansion_of(r) > stored)
        return vit__fail_truncated(r->source, "TIFF", r->err);
    return VIT_OK;
}

/* The tag of TIFF, or without one that of XMP. */
static int orientation_of(const reader *r)
{
    uint16_t orientation = 0;
    uint32_t size = 0;
    const uint8_t *xmp = NULL;
    if (libtiff.get(r->tiff[0], TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 && orientation <= 8)
        return orientation;
    if (!libtiff.get(r->tiff[0], TIFFTAG_XMLPACKET, &size, &xmp) || !xmp)
        return 1;
    return vit__choose_orientation(0, vit__xmp_orientation(xmp, size));
}

static unsigned planes_of(const reader *r)
{
    return r->planar && r->kind != CONVERTED ? r->colours + (r->alpha != NO_ALPHA) : 1;
}

static vit_status prepare(reader *r)
{
    vit_status status = VIT_OK;
    for (unsigned plane = 1; plane < planes_of(r) && status == VIT_OK; plane++)
        status = open_plane(r, plane);
    if (status == VIT_OK)
        status = vit__canvas_create(r->source, r->width, r->height, orientation_of(r), r->image, &r->canvas, r->err);
    if (status != VIT_OK)
        return status;
    bool there = true;
    for (unsigned plane = 0; plane < planes_of(r); plane++)
        there = there && (r->unit[plane] = vit__alloc(r->row_size, r->unit_height)) != NULL;
    r->levels = vit__alloc(r->unit_width, MOST_SAMPLES);
    r->pixels = vit__alloc(r->unit_width, 4);
    return there && r->levels && r->pixels ? VIT_OK : vit__fail_memory(r->err, r->source->name);
}

/* ------------------------------------------------------------------ samples ---- */

/* count samples of the row to 8-bit levels, at to, to + step, ...: numbers below 8 bits as they are, the high 8 bits
 * of more. */
static void expand(const reader *r, const uint8_t *row, size_t count, uint8_t *to, size_t step)
{
    if (r->bits == 8) {
        for (size_t i = 0; i < count; i++)
            to[i * step] = row[i];
        return;
    }
    if (r->bits == 16) {
        for (size_t i = 0; i < count; i++) {
            uint16_t sample; /* in the machine's order */
            memcpy(&sample, row + 2 * i, sizeof sample);
            to[i * step] = (uint8_t)(sample >> 8);
        }
        return;
    }
    if (r->bits == 12) {
        for (size_t i = 0; i < count; i++) {
            const uint8_t *b = row + i / 2 * 3;
            const unsigned level = i % 2 == 0 ? b[0] : (b[1] & 15u) << 4 | b[2] >> 4;
            to[i * step] = (uint8_t)level;
        }
        return;
    }
    const unsigned most = (1u << r->bits) - 1;
    for (size_t i = 0; i < count; i++) {
        const size_t bit = i * r->bits;
        const unsigned byte = row[bit / 8];
        to[i * step] = (uint8_t)(byte >> (8 - r->bits - bit % 8) & most);
    }
}

static uint8_t divide_out(unsigned level, unsigned by)
{
    const unsigned whole = by ? 255 * level / by : 0;
    return (uint8_t)(whole < 255 ? whole : 255);
}

static void resolve_table(const reader *r, const uint8_t *levels, size_t samples, size_t count, uint8_t *rgba)
{
    for (size_t i = 0; i < count; i++, levels += samples, rgba += 4) {
        memcpy(rgba, r->table[levels[0]], 3);
        rgba[3] = r->alpha == NO_ALPHA ? 255 : levels[1];
    }
}

static void resolve_colours(const reader *r, const uint8_t *levels, size_t samples, size_t count, uint8_t *rgba)
{
    for (size_t i = 0; i < count; i++, levels += samples, rgba += 4) {
        memcpy(rgba, levels, 3);
        rgba[3] = r->alpha == NO_ALPHA ? 255 : levels[3];
    }
}

static void invert(const uint8_t *levels, size_t samples, size_t count, uint8_t *cmyk)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 4; c++)
            cmyk[4 * i + c] = (uint8_t)(255 - levels[i * samples + c]);
}

/* Whether rows are stored as RGB. */
static bool is_plain(const reader *r)
{
    return r->kind == RGB && r->bits == 8 && r->samples == 3 && !r->planar;
}

/* The row y of the units, to RGB, which is returned: r->pixels, or the row itself. */
static const uint8_t *resolve_row(reader *r, uint32_t y, size_t count)
{
    if (is_plain(r))
        return r->unit[0] + y * r->row_size;
    const unsigned planes = planes_of(r);
    const size_t samples = r->planar ? planes : r->samples;
    if (r->kind == CONVERTED) {
        memcpy(r->pixels, r->unit[0] + y * r->row_size, count * 4);
        vit__alpha_drop(r->pixels, count);
        return r->pixels;
    }
    for (unsigned plane = 0; plane < planes; plane++)
        expand(r, r->unit[plane] + y * r->row_size, r->planar ? count : count * samples, r->levels + plane, planes);
    if (r->kind == CMYK) {
        invert(r->levels, samples, count, r->pixels);
        vit__cmyk_to_rgb(r->pixels, count);
        return r->pixels;
    }
    if (r->kind == TABLE)
        resolve_table(r, r->levels, samples, count, r->pixels);
    else
        resolve_colours(r, r->levels, samples, count, r->pixels);
    if (r->alpha == MULTIPLIED)
        for (size_t i = 0; i < 4 * count; i++)
            r->pixels[i] = i % 4 == 3 ? r->pixels[i] : divide_out(r->pixels[i], r->pixels[i | 3]);
    vit__alpha_resolve(r->pixels, count, r->options);
    return r->pixels;
}

/* ------------------------------------------------------------------ pixels ---- */

/* libtiff's own conversion, for colours that it alone knows. Its rows run from the bottom up: those of a strip within
 * what the strip has of the picture, those of a tile within the whole tile. */
static bool read_converted(reader *r, uint32_t x, uint32_t y)
{
    uint32_t *raster = (uint32_t *)(void *)r->unit[0];
    uint32_t rows = r->unit_height;
    if (r->tiled) {
        if (!libtiff.read_rgba_tile(r->tiff[0], x, y, raster, 1))
            return false;
    } else {
        rows = r->height - y < rows ? r->height - y : rows;
        if (!libtiff.read_rgba_strip(r->tiff[0], y, raster, 1))
            return false;
    }
    for (uint32_t i = 0; i < rows / 2; i++)
        for (size_t k = 0; k < r->unit_width; k++) {
            uint32_t *a = raster + i * (size_t)r->unit_width + k;
            uint32_t *b = raster + (rows - 1 - i) * (size_t)r->unit_width + k;
            const uint32_t t = *a;
            *a = *b, *b = t;
        }
    return true;
}

/* A whole strip, with all the rows that are in the picture. */
static bool read_strip(reader *r, uint32_t y, unsigned plane)
{
    const uint32_t strips = (uint32_t)vit__divide_up(r->height, r->unit_height);
    const uint32_t rows = r->height - y < r->unit_height ? r->height - y : r->unit_height;
    const tmsize_t size = (tmsize_t)(r->row_size * rows);
    return libtiff.read_strip(r->tiff[plane], plane * strips + y / r->unit_height, r->unit[plane], size) == size;
}

static bool read_plane(reader *r, uint32_t x, uint32_t y, unsigned plane)
{
    if (r->tiled)
        return libtiff.read_tile(r->tiff[plane], r->unit[plane], x, y, 0, (uint16_t)plane) >= 0;
    if (by_strips(r))
        return read_strip(r, y, plane);
    return libtiff.read_row(r->tiff[plane], r->unit[plane], y, (uint16_t)plane) >= 0;
}

static bool read_unit(reader *r, uint32_t x, uint32_t y)
{
    if (r->kind == CONVERTED)
        return read_converted(r, x, y);
    bool ok = true;
    for (unsigned plane = 0; plane < planes_of(r) && ok; plane++)
        ok = read_plane(r, x, y, plane);
    return ok;
}

static void store_unit(reader *r, uint32_t x, uint32_t y)
{
    const uint32_t columns = r->width - x < r->unit_width ? r->width - x : r->unit_width;
    const uint32_t rows = r->height - y < r->unit_height ? r->height - y : r->unit_height;
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *row = resolve_row(r, i, columns);
        vit__canvas_scatter(&r->canvas, y + i, (vit__stride){x, 1, columns}, row);
    }
}

static vit_status read_units(reader *r)
{
    for (uint64_t y = 0; y < r->height; y += r->unit_height)
        for (uint64_t x = 0; x < r->width; x += r->unit_width) {
            if (!read_unit(r, (uint32_t)x, (uint32_t)y))
                return fail(r, "the pixels are damaged or end too early");
            store_unit(r, (uint32_t)x, (uint32_t)y);
        }
    return VIT_OK;
}

static vit_status decode(reader *r)
{
    errno = 0;
    vit_status status = open_plane(r, 0);
    if (status == VIT_OK)
        status = read_directory(r);
    if (status == VIT_OK)
        status = find_units(r);
    if (status == VIT_OK)
        status = check_bytes(r);
    if (status == VIT_OK)
        status = prepare(r);
    if (status == VIT_OK)
        status = read_units(r);
    return status;
}

static vit_status read_tiff(const vit__source *source, const vit_load_options *options, vit_image *image,
                            vit_error *err)
{
    if (!vit__library_load(&library))
        return vit__fail_not_loaded(source, "TIFF", &library, err);
    reader *r = vit__alloc_zero(1, sizeof *r);
    if (!r)
        return vit__fail_memory(err, source->name);
    r->source = source;
    r->options = options;
    r->image = image;
    r->err = err;
    const vit_status status = decode(r);
    for (size_t plane = 0; plane < MOST_SAMPLES; plane++) {
        if (r->tiff[plane])
            libtiff.close(r->tiff[plane]);
        free(r->unit[plane]);
    }
    free(r->levels);
    free(r->pixels);
    free(r);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

#else
#define read_tiff NULL
#endif

const vit__format vit__format_tiff = {"TIFF", is_tiff, read_tiff, "install libtiff-dev"};
