/* SPDX-License-Identifier: BSD-2-Clause */
/* JPEG XL by libjxl: a codestream, alone or in a container; of an animation the first frame. A JPEG that was packed
 * without loss is put together again and read as the JPEG that it was, as in Pillow. The orientation of the codestream
 * is applied always; that of EXIF, which by the standard does not count, never. What libjxl writes to stderr about
 * damaged pictures cannot be had quiet from here. */
#include <string.h>

#include "limit.h"
#include "reader.h"

static bool is_jxl(const vit__source *source)
{
    static const uint8_t container[12] = {0, 0, 0, 12, 'J', 'X', 'L', ' ', 13, 10, 0x87, 10};
    return (source->size >= 2 && memcmp(source->bytes, "\xff\x0a", 2) == 0) ||
           (source->size >= sizeof container && memcmp(source->bytes, container, sizeof container) == 0);
}

#ifdef VIT_HAVE_JXL

#include <stdlib.h>

#include <jxl/decode.h>

#include "alpha.h"
#include "memory.h"
#include "orient.h"

/* libjxl works on floats of whole pictures, tens of bytes a pixel, so it has a limit of its own. */

#define FIRST_JPEG ((size_t)1 << 16) /* room for the restored JPEG; doubled as needed */

static struct {
    __typeof__(&JxlDecoderCreate) create;
    __typeof__(&JxlDecoderDestroy) destroy;
    __typeof__(&JxlDecoderSubscribeEvents) subscribe;
    __typeof__(&JxlDecoderSetInput) set_input;
    __typeof__(&JxlDecoderCloseInput) close_input;
    __typeof__(&JxlDecoderProcessInput) process;
    __typeof__(&JxlDecoderGetBasicInfo) basic_info;
    __typeof__(&JxlDecoderImageOutBufferSize) out_size;
    __typeof__(&JxlDecoderSetImageOutBuffer) set_out;
    __typeof__(&JxlDecoderSetJPEGBuffer) set_jpeg;
    __typeof__(&JxlDecoderReleaseJPEGBuffer) release_jpeg;
} libjxl;

static const vit__library_function functions[] = {
    {"JxlDecoderCreate", &libjxl.create},
    {"JxlDecoderDestroy", &libjxl.destroy},
    {"JxlDecoderSubscribeEvents", &libjxl.subscribe},
    {"JxlDecoderSetInput", &libjxl.set_input},
    {"JxlDecoderCloseInput", &libjxl.close_input},
    {"JxlDecoderProcessInput", &libjxl.process},
    {"JxlDecoderGetBasicInfo", &libjxl.basic_info},
    {"JxlDecoderImageOutBufferSize", &libjxl.out_size},
    {"JxlDecoderSetImageOutBuffer", &libjxl.set_out},
    {"JxlDecoderSetJPEGBuffer", &libjxl.set_jpeg},
    {"JxlDecoderReleaseJPEGBuffer", &libjxl.release_jpeg},
};

static vit__library library = {.file = VIT_JXL_FILE, .functions = functions, .n = sizeof functions / sizeof *functions};

typedef struct reader {
    const vit__source *source;
    const vit_load_options *options;
    vit_error *err;
    JxlDecoder *decoder;
    uint32_t width, height;
    JxlPixelFormat format;
    uint8_t *pixels;
    uint8_t *jpeg; /* restored */
    size_t jpeg_size, jpeg_room;
    bool done;
} reader;

static vit_status corrupt(const reader *r)
{
    return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "JPEG XL: the data are damaged");
}

/* 16 bits where there are more than 8: libjxl would round them to 8. */
static vit_status take_info(reader *r)
{
    JxlBasicInfo info;
    if (libjxl.basic_info(r->decoder, &info) != JXL_DEC_SUCCESS)
        return corrupt(r);
    r->width = info.xsize;
    r->height = info.ysize;
    r->format = (JxlPixelFormat){info.alpha_bits ? 4 : 3, info.bits_per_sample > 8 ? JXL_TYPE_UINT16 : JXL_TYPE_UINT8,
                                 JXL_NATIVE_ENDIAN, 0};
    vit_status status = vit__check_pixels(r->source, r->options, r->width, r->height, r->err);
    if (status == VIT_OK && (uint64_t)r->width * r->height > VIT__LIMIT_JXL_PIXELS)
        status = vit__fail(
            r->err, VIT_ERR_TOO_LARGE, r->source->name,
            "JPEG XL: %lu x %lu pixels are more than the limit of %lu for this format; convert it to PNG",
            (unsigned long)r->width, (unsigned long)r->height, (unsigned long)VIT__LIMIT_JXL_PIXELS);
    return status;
}

static vit_status give_pixels(reader *r)
{
    size_t size = 0;
    const size_t wanted = (size_t)r->width * r->height * r->format.num_channels *
                          (r->format.data_type == JXL_TYPE_UINT16 ? 2 : 1);
    if (libjxl.out_size(r->decoder, &r->format, &size) != JXL_DEC_SUCCESS || size != wanted || r->pixels)
        return corrupt(r);
    r->pixels = vit__alloc(size, 1);
    if (!r->pixels)
        return vit__fail_memory(r->err, r->source->name);
    return libjxl.set_out(r->decoder, &r->format, r->pixels, size) == JXL_DEC_SUCCESS ? VIT_OK : corrupt(r);
}

/* More room for the restored JPEG. */
static vit_status give_jpeg(reader *r)
{
    if (r->jpeg)
        r->jpeg_size = r->jpeg_room - libjxl.release_jpeg(r->decoder);
    if (r->jpeg_room >= r->options->max_bytes)
        return vit__fail(r->err, VIT_ERR_TOO_LARGE, r->source->name,
                         "JPEG XL: the JPEG in it is past the limit on bytes");
    const size_t room = r->jpeg_room ? 2 * r->jpeg_room : FIRST_JPEG;
    uint8_t *grown = vit__realloc(r->jpeg, room, 1);
    if (!grown)
        return vit__fail_memory(r->err, r->source->name);
    r->jpeg = grown;
    r->jpeg_room = room;
    const JxlDecoderStatus status = libjxl.set_jpeg(r->decoder, grown + r->jpeg_size, room - r->jpeg_size);
    return status == JXL_DEC_SUCCESS ? VIT_OK : corrupt(r);
}

static vit_status handle(reader *r, JxlDecoderStatus event)
{
    switch (event) {
    case JXL_DEC_BASIC_INFO:
        return take_info(r);
    case JXL_DEC_JPEG_RECONSTRUCTION:
    case JXL_DEC_JPEG_NEED_MORE_OUTPUT:
        return give_jpeg(r);
    case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        return give_pixels(r);
    case JXL_DEC_FULL_IMAGE:
        r->done = true;
        if (r->jpeg)
            r->jpeg_size = r->jpeg_room - libjxl.release_jpeg(r->decoder);
        return r->jpeg || r->pixels ? VIT_OK : corrupt(r);
    case JXL_DEC_NEED_MORE_INPUT:
        return vit__fail_truncated(r->source, "JPEG XL", r->err);
    default:
        return corrupt(r);
    }
}

static vit_status decode(reader *r)
{
    r->decoder = libjxl.create(NULL);
    if (!r->decoder)
        return vit__fail_memory(r->err, r->source->name);
    if (libjxl.subscribe(r->decoder, JXL_DEC_BASIC_INFO | JXL_DEC_JPEG_RECONSTRUCTION | JXL_DEC_FULL_IMAGE) !=
            JXL_DEC_SUCCESS ||
        libjxl.set_input(r->decoder, r->source->bytes, r->source->size) != JXL_DEC_SUCCESS)
        return corrupt(r);
    libjxl.close_input(r->decoder);
    vit_status status = VIT_OK;
    while (status == VIT_OK && !r->done)
        status = handle(r, libjxl.process(r->decoder));
    return status;
}

/* The high bytes, in place. */
static void reduce(const reader *r)
{
    const size_t n = (size_t)r->width * r->height * r->format.num_channels;
    for (size_t i = 0; i < n && r->format.data_type == JXL_TYPE_UINT16; i++) {
        uint16_t sample;
        memcpy(&sample, r->pixels + 2 * i, sizeof sample);
        r->pixels[i] = (uint8_t)(sample >> 8);
    }
}

static vit_status store(const reader *r, vit_image *image)
{
    vit__canvas canvas;
    vit_status status = vit__canvas_create(r->source, r->width, r->height, 1, image, &canvas, r->err);
    if (status != VIT_OK)
        return status;
    reduce(r);
    for (uint32_t y = 0; y < r->height; y++) {
        uint8_t *row = r->pixels + (size_t)y * r->width * r->format.num_channels;
        if (r->format.num_channels == 4)
            vit__alpha_resolve(row, r->width, r->options);
        vit__canvas_store(&canvas, y, 1, row);
    }
    return VIT_OK;
}

static vit_status read_jxl(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    if (!vit__library_load(&library))
        return vit__fail_not_loaded(source, "JPEG XL", &library, err);
    reader r = {.source = source, .options = options, .err = err};
    vit_status status = decode(&r);
    if (r.decoder)
        libjxl.destroy(r.decoder);
    const vit__source jpeg = {r.jpeg, r.jpeg_size, source->name, source->sizes};
    if (status == VIT_OK && r.jpeg && !vit__format_jpeg.accepts(&jpeg))
        status = corrupt(&r);
    if (status == VIT_OK)
        status = r.jpeg ? vit__format_jpeg.read(&jpeg, options, image, err) : store(&r, image);
    free(r.pixels);
    free(r.jpeg);
    return status;
}

#else
#define read_jxl NULL
#endif

const vit__format vit__format_jxl = {"JPEG XL", is_jxl, read_jxl, "install libjxl-dev, configure with -DVIT_JXL=ON"};
