/* SPDX-License-Identifier: BSD-2-Clause */
/* AVIF by libavif, with the settings of Pillow: the primary picture, or the first of a sequence. irot and imir are the
 * orientation; that of EXIF never counts. What dav1d, behind libavif, writes to stderr about damaged pictures cannot
 * be had quiet from here. */
#include "boxes.h"

static bool is_avif(const vit__source *source)
{
    return vit__has_brand(source, "avifavis");
}

#ifdef VIT_HAVE_AVIF

#include <stdlib.h>
#include <string.h>

#include <avif/avif.h>

#include "alpha.h"
#include "exif.h"
#include "memory.h"
#include "orient.h"

static struct {
    __typeof__(&avifDecoderCreate) create;
    __typeof__(&avifDecoderDestroy) destroy;
    __typeof__(&avifDecoderSetIOMemory) set_memory;
    __typeof__(&avifDecoderParse) parse;
    __typeof__(&avifDecoderNthImage) decode;
    __typeof__(&avifResultToString) text;
    __typeof__(&avifImageCreate) image_create;
    __typeof__(&avifImageDestroy) image_destroy;
    __typeof__(&avifImageAllocatePlanes) image_allocate;
    __typeof__(&avifGetPixelFormatInfo) format_info;
    __typeof__(&avifRGBImageSetDefaults) rgb_defaults;
    __typeof__(&avifImageYUVToRGB) to_rgb;
} libavif;

static const vit__library_function functions[] = {
    {"avifDecoderCreate", &libavif.create},
    {"avifDecoderDestroy", &libavif.destroy},
    {"avifDecoderSetIOMemory", &libavif.set_memory},
    {"avifDecoderParse", &libavif.parse},
    {"avifDecoderNthImage", &libavif.decode},
    {"avifResultToString", &libavif.text},
    {"avifImageCreate", &libavif.image_create},
    {"avifImageDestroy", &libavif.image_destroy},
    {"avifImageAllocatePlanes", &libavif.image_allocate},
    {"avifGetPixelFormatInfo", &libavif.format_info},
    {"avifRGBImageSetDefaults", &libavif.rgb_defaults},
    {"avifImageYUVToRGB", &libavif.to_rgb},
};

static vit__library library = {
    .file = VIT_AVIF_FILE, .functions = functions, .n = sizeof functions / sizeof *functions};

typedef struct reader {
    const vit__source *source;
    const vit_load_options *options;
    vit_image *image;
    vit_error *err;
    avifDecoder *decoder;
    avifImage *reduced; /* the planes in 8 bits; NULL: as they are */
    uint8_t *pixels;    /* RGB or RGBA; NULL: straight into the picture */
    bool has_alpha;
    vit__canvas canvas;
} reader;

static vit_status fail(const reader *r, avifResult result)
{
    const char *why = r->decoder->diag.error;
    vit_status status = VIT_ERR_CORRUPT;
    if (result == AVIF_RESULT_OUT_OF_MEMORY)
        return vit__fail_memory(r->err, r->source->name);
    if (result == AVIF_RESULT_TRUNCATED_DATA)
        return vit__fail_truncated(r->source, "AVIF", r->err);
    if (strstr(why, "too large"))
        status = VIT_ERR_TOO_LARGE;
    return vit__fail(r->err, status, r->source->name, "AVIF: %s%s%s", libavif.text(result), why[0] ? ": " : "", why);
}

/* The limits are libavif's and dav1d's too: they hold for each tile, and for the size that the coded picture itself
 * has. */
static vit_status open_file(reader *r)
{
    avifDecoder *d = r->decoder = libavif.create();
    if (!d)
        return vit__fail_memory(r->err, r->source->name);
    d->maxThreads = 1;
    d->strictFlags &= ~(avifStrictFlags)(AVIF_STRICT_CLAP_VALID | AVIF_STRICT_PIXI_REQUIRED);
    if (r->options->max_pixels < d->imageSizeLimit)
        d->imageSizeLimit = (uint32_t)r->options->max_pixels;
    avifResult result = libavif.set_memory(d, r->source->bytes, r->source->size);
    if (result == AVIF_RESULT_OK)
        result = libavif.parse(d);
    if (result != AVIF_RESULT_OK)
        return fail(r, result);
    return vit__check_pixels(r->source, r->options, d->image->width, d->image->height, r->err);
}

/* The turn by 0, 90, 180, 270 degrees to the left, and then the mirror: none, top and bottom, left and right, as the
 * orientations of EXIF. */
static const int orientations[4][3] = {{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}};

/* Where the container has no turn, XMP counts, unless EXIF has an orientation, whatever it is: so does Pillow. */
static int orientation_of(const reader *r)
{
    const avifImage *image = r->decoder->image;
    unsigned turns = 0, mirror = 0;
    if (r->options->exif == VIT_EXIF_IGNORE)
        return 1;
    if (image->transformFlags & AVIF_TRANSFORM_IROT)
        turns = image->irot.angle & 3u;
    if (image->transformFlags & AVIF_TRANSFORM_IMIR) {
        uint8_t axis; /* the only member, which has one name or another */
        memcpy(&axis, &image->imir, sizeof axis);
        mirror = 1 + (axis & 1u);
    }
    if (turns || mirror)
        return orientations[turns][mirror];
    if (vit__exif_orientation(image->exif.data, image->exif.size) != 0)
        return 1;
    return vit__choose_orientation(0, vit__xmp_orientation(image->xmp.data, image->xmp.size));
}

/* Whether libyuv has the numbers for these colours, which libavif then leaves to it: BT.709, BT.601, BT.2020, and a
 * matrix that follows from the primaries where these are of one of them. */
static bool is_for_libyuv(const avifImage *image)
{
    const unsigned matrix = image->matrixCoefficients, derived = 12;
    const unsigned kind = matrix == derived ? image->colorPrimaries : matrix;
    if (matrix == 0)
        return image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400;
    return kind == 1 || kind == 2 || kind == 5 || kind == 6 || kind == 9;
}

/* Since libavif 1.0 planes of more than 8 bits that libyuv converts are first cut to 8, with some exceptions; older
 * ones keep all bits up to the colours, which gives other ones. Pillow has a newer one. */
static bool is_reduced(const avifImage *image, bool has_alpha)
{
    const bool gray = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV400,
               is_420 = image->yuvFormat == AVIF_PIXEL_FORMAT_YUV420;
    if (image->depth <= 8 || (gray && !has_alpha) || !is_for_libyuv(image))
        return false;
    return !has_alpha || gray || !(image->depth == 10 || (image->depth == 12 && is_420));
}

static void reduce_plane(const uint8_t *from, size_t from_row, uint8_t *to, size_t to_row, const uint32_t size[2],
                         unsigned shift)
{
    for (uint32_t y = 0; y < size[1]; y++)
        for (uint32_t x = 0; x < size[0]; x++) {
            uint16_t sample;
            memcpy(&sample, from + y * from_row + 2 * (size_t)x, sizeof sample);
            to[y * to_row + x] = (uint8_t)(sample >> shift);
        }
}

static vit_status reduce(reader *r)
{
    const avifImage *from = r->decoder->image;
    avifImage *to = r->reduced = libavif.image_create(from->width, from->height, 8, from->yuvFormat);
    if (!to || libavif.image_allocate(to, r->has_alpha ? AVIF_PLANES_ALL : AVIF_PLANES_YUV) != AVIF_RESULT_OK)
        return vit__fail_memory(r->err, r->source->name);
    to->yuvRange = from->yuvRange;
    to->yuvChromaSamplePosition = from->yuvChromaSamplePosition;
    to->colorPrimaries = from->colorPrimaries;
    to->transferCharacteristics = from->transferCharacteristics;
    to->matrixCoefficients = from->matrixCoefficients;
    to->alphaPremultiplied = from->alphaPremultiplied;
    avifPixelFormatInfo info;
    libavif.format_info(from->yuvFormat, &info);
    const uint32_t whole[2] = {from->width, from->height};
    const uint32_t chroma[2] = {(from->width + (uint32_t)info.chromaShiftX) >> info.chromaShiftX,
                                (from->height + (uint32_t)info.chromaShiftY) >> info.chromaShiftY};
    for (size_t i = 0; i < (info.monochrome ? 1u : 3u); i++)
        reduce_plane(from->yuvPlanes[i], from->yuvRowBytes[i], to->yuvPlanes[i], to->yuvRowBytes[i], i ? chroma : whole,
                     from->depth - 8);
    if (r->has_alpha)
        reduce_plane(from->alphaPlane, from->alphaRowBytes, to->alphaPlane, to->alphaRowBytes, whole, from->depth - 8);
    return VIT_OK;
}

static vit_status decode(reader *r)
{
    const uint32_t width = r->decoder->image->width, height = r->decoder->image->height;
    const avifResult result = libavif.decode(r->decoder, 0);
    if (result != AVIF_RESULT_OK)
        return fail(r, result);
    const avifImage *image = r->decoder->image;
    if (image->width != width || image->height != height)
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name,
                         "AVIF: the coded picture has another size than the file says");
    r->has_alpha = image->alphaPlane != NULL;
    return is_reduced(image, r->has_alpha) ? reduce(r) : VIT_OK;
}

/* Colours, into r->pixels or straight into the picture. With alpha libavif takes another way to them, so alpha is
 * asked for even where it is dropped. */
static vit_status convert(reader *r)
{
    const avifImage *image = r->reduced ? r->reduced : r->decoder->image;
    const size_t channels = r->has_alpha ? 4 : 3;
    uint8_t *pixels = r->has_alpha ? NULL : vit__canvas_row(&r->canvas, 0);
    if (!pixels || r->canvas.step_y < 0) {
        pixels = r->pixels = vit__alloc((size_t)image->width * image->height, channels);
        if (!pixels)
            return vit__fail_memory(r->err, r->source->name);
    }
    avifRGBImage rgb;
    libavif.rgb_defaults(&rgb, image);
    rgb.depth = 8;
    rgb.format = r->has_alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.pixels = pixels;
    rgb.rowBytes = (uint32_t)(image->width * channels);
    const avifResult result = libavif.to_rgb(image, &rgb);
    return result == AVIF_RESULT_OK ? VIT_OK : fail(r, result);
}

static void store(reader *r)
{
    const avifImage *image = r->decoder->image;
    const size_t stride = (size_t)image->width * (r->has_alpha ? 4 : 3);
    for (uint32_t y = 0; r->pixels && y < image->height; y++) {
        uint8_t *row = r->pixels + y * stride;
        if (r->has_alpha)
            vit__alpha_resolve(row, image->width, r->options);
        vit__canvas_store(&r->canvas, y, 1, row);
    }
}

static vit_status read_avif(const vit__source *source, const vit_load_options *options, vit_image *image,
                            vit_error *err)
{
    if (!vit__library_load(&library))
        return vit__fail_not_loaded(source, "AVIF", &library, err);
    reader r = {.source = source, .options = options, .image = image, .err = err};
    vit_status status = open_file(&r);
    if (status == VIT_OK)
        status = vit__canvas_create(source, r.decoder->image->width, r.decoder->image->height, orientation_of(&r),
                                    image, &r.canvas, err);
    if (status == VIT_OK)
        status = decode(&r);
    if (status == VIT_OK)
        status = convert(&r);
    if (status == VIT_OK)
        store(&r);
    if (r.reduced)
        libavif.image_destroy(r.reduced);
    if (r.decoder)
        libavif.destroy(r.decoder);
    free(r.pixels);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

#else
#define read_avif NULL
#endif

const vit__format vit__format_avif = {"AVIF", is_avif, read_avif, "install libavif-dev"};
