/* SPDX-License-Identifier: BSD-2-Clause */
/* WebP by libwebp, where the build has it. Of an animation the first frame counts, on the canvas, as in Pillow. */
#include <string.h>

#include "reader.h"

#define RIFF_HEADER 12u

static bool is_webp(const vit__source *source)
{
    return source->size >= RIFF_HEADER && memcmp(source->bytes, "RIFF", 4) == 0 &&
           memcmp(source->bytes + 8, "WEBP", 4) == 0;
}

#ifdef VIT_HAVE_WEBP

#include <stdlib.h>

#include <webp/decode.h>

#include "alpha.h"
#include "bytes.h"
#include "exif.h"
#include "memory.h"
#include "orient.h"

#define CHUNK_HEADER 8u
#define FRAME_HEADER 16u

typedef struct span {
    const uint8_t *bytes;
    size_t size;
} span;

/* A frame: where on the canvas, and its chunks. */
typedef struct frame {
    span data;
    uint32_t x, y, width, height;
    bool has_alpha;
} frame;

/* The content of the first chunk of this type; empty if there is none, or if it is cut. */
static span find_chunk(const vit__source *source, const char type[4])
{
    size_t at = RIFF_HEADER;
    while (at <= source->size && source->size - at >= CHUNK_HEADER) {
        const uint8_t *chunk = source->bytes + at;
        const size_t length = vit__le32(chunk + 4);
        if (length > source->size - at - CHUNK_HEADER)
            break;
        if (memcmp(chunk, type, 4) == 0)
            return (span){chunk + CHUNK_HEADER, length};
        at += CHUNK_HEADER + length + (length & 1);
    }
    return (span){NULL, 0};
}

static int orientation_of(const vit__source *source, const vit_load_options *options)
{
    if (options->exif == VIT_EXIF_IGNORE)
        return 1;
    const span exif = find_chunk(source, "EXIF"), xmp = find_chunk(source, "XMP ");
    return vit__choose_orientation(vit__exif_orientation(exif.bytes, exif.size),
                                   vit__xmp_orientation(xmp.bytes, xmp.size));
}

static vit_status damaged(const vit__source *source, VP8StatusCode code, vit_error *err)
{
    if (code == VP8_STATUS_OUT_OF_MEMORY)
        return vit__fail_memory(err, source->name);
    return vit__fail(err, VIT_ERR_CORRUPT, source->name, "the WebP data are damaged or end too early (libwebp code %d)",
                     (int)code);
}

/* The canvas and the first frame, from the headers alone. */
static vit_status read_headers(const vit__source *source, WebPBitstreamFeatures *canvas, frame *first, vit_error *err)
{
    VP8StatusCode code = WebPGetFeatures(source->bytes, source->size, canvas);
    if (code != VP8_STATUS_OK)
        return damaged(source, code, err);
    const uint32_t width = (uint32_t)canvas->width, height = (uint32_t)canvas->height;
    *first = (frame){{source->bytes, source->size}, 0, 0, width, height, canvas->has_alpha};
    if (!canvas->has_animation)
        return VIT_OK;

    const span chunk = find_chunk(source, "ANMF");
    WebPBitstreamFeatures features;
    if (chunk.size <= FRAME_HEADER)
        return damaged(source, VP8_STATUS_NOT_ENOUGH_DATA, err);
    first->data = (span){chunk.bytes + FRAME_HEADER, chunk.size - FRAME_HEADER};
    code = WebPGetFeatures(first->data.bytes, first->data.size, &features);
    if (code != VP8_STATUS_OK)
        return damaged(source, code, err);
    first->x = 2 * vit__le24(chunk.bytes);
    first->y = 2 * vit__le24(chunk.bytes + 3);
    first->width = (uint32_t)features.width;
    first->height = (uint32_t)features.height;
    first->has_alpha = features.has_alpha;
    if (first->x > width || first->width > width - first->x || first->y > height || first->height > height - first->y)
        return damaged(source, VP8_STATUS_BITSTREAM_ERROR, err);
    return VIT_OK;
}

/* RGB, or RGBA, of a whole frame. */
static VP8StatusCode decode_frame(const frame *f, bool with_alpha, uint8_t *pixels)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return VP8_STATUS_INVALID_PARAM; /* libwebp of another major version than its header */
    const size_t stride = (size_t)f->width * (with_alpha ? 4 : 3);
    config.output.colorspace = with_alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){pixels, (int)stride, stride * f->height};
    return WebPDecode(f->data.bytes, f->data.size, &config);
}

/* Where no frame lies, the canvas is transparent black. */
static void clear(vit_image *image, const vit_load_options *options)
{
    static const uint8_t black[3] = {0, 0, 0};
    const uint8_t *colour = options->composite ? options->background : black;
    for (size_t i = 0; i < (size_t)image->width * image->height; i++)
        memcpy(image->pixels + 3 * i, colour, 3);
}

static void store(const frame *f, bool with_alpha, const vit_load_options *options, uint8_t *pixels,
                  const vit__canvas *canvas)
{
    const size_t stride = (size_t)f->width * (with_alpha ? 4 : 3);
    for (uint32_t y = 0; y < f->height; y++) {
        uint8_t *row = pixels + y * stride;
        if (with_alpha)
            vit__alpha_composite(row, f->width, options->background);
        vit__canvas_scatter(canvas, f->y + y, (vit__stride){f->x, 1, f->width}, row);
    }
}

/* Straight into the picture where it lies there as the frame has it, else by way of a frame in memory. */
static vit_status read_frame(const vit__source *source, const frame *f, const vit_load_options *options,
                             const vit__canvas *canvas, vit_error *err)
{
    const bool with_alpha = options->composite && f->has_alpha;
    const bool whole = f->width == canvas->width && f->y == 0 && canvas->step_y == (ptrdiff_t)f->width * 3;
    if (whole && !with_alpha && vit__canvas_row(canvas, 0)) {
        const VP8StatusCode code = decode_frame(f, false, vit__canvas_row(canvas, 0));
        return code == VP8_STATUS_OK ? VIT_OK : damaged(source, code, err);
    }
    uint8_t *pixels = vit__alloc((size_t)f->width * f->height, with_alpha ? 4 : 3);
    if (!pixels)
        return vit__fail_memory(err, source->name);
    const VP8StatusCode code = decode_frame(f, with_alpha, pixels);
    if (code == VP8_STATUS_OK)
        store(f, with_alpha, options, pixels, canvas);
    free(pixels);
    return code == VP8_STATUS_OK ? VIT_OK : damaged(source, code, err);
}

static vit_status read_webp(const vit__source *source, const vit_load_options *options, vit_image *image,
                            vit_error *err)
{
    WebPBitstreamFeatures features;
    frame first = {0};
    vit__canvas canvas;
    vit_status status = read_headers(source, &features, &first, err);
    if (status != VIT_OK)
        return status;
    const uint32_t width = (uint32_t)features.width, height = (uint32_t)features.height;
    status = vit__check_pixels(source, options, width, height, err);
    if (status == VIT_OK)
        status = vit__canvas_create(source, width, height, orientation_of(source, options), image, &canvas, err);
    if (status != VIT_OK)
        return status;
    if (first.width != width || first.height != height)
        clear(image, options);
    status = read_frame(source, &first, options, &canvas, err);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

#else
#define read_webp NULL
#endif

const vit__format vit__format_webp = {"WebP", is_webp, read_webp, "install libwebp-dev"};
