/* SPDX-License-Identifier: BSD-2-Clause */
/* PNG by libpng. Colours are what is stored: gamma, ICC profiles, significant bits and backgrounds are ignored.
 * 16 bit gives the high byte, for gray as well (Pillow clips that to white). What transparency means follows Pillow. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "alpha.h"
#include "byte_limit.h"
#include "bytes.h"
#include "limit.h"
#include "memory.h"
#include "orient.h"
#include "png_metadata.h"

#define HEADER_SIZE 33u /* signature and the whole IHDR chunk */

/* Deflate makes 258 bytes of two bits at best. */
#define MAX_EXPANSION 1032u

typedef struct reader {
    png_structp png;
    png_infop info;
    jmp_buf escape;
    const vit__source *source;
    const vit_load_options *options;
    vit_image *image;
    vit_error *err;
    vit_status status;
    size_t offset; /* of the next byte for libpng */
    bool out_of_memory;
    uint32_t width, height;
    vit__canvas canvas;
    uint8_t *row;   /* RGB or RGBA, as wide as the picture */
    bool has_alpha; /* the row is RGBA */
    bool has_key;   /* one colour is transparent */
    uint8_t key[3];
} reader;

static bool is_png(const vit__source *source)
{
    return source->size >= 8 && memcmp(source->bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static vit_status truncated(const vit__source *source, vit_error *err)
{
    return vit__fail_truncated(source, "PNG", err);
}

/* ------------------------------------------------------------------ libpng's callbacks ---- */

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    reader *r = png_get_error_ptr(png);
    if (r->out_of_memory)
        r->status = vit__fail_memory(r->err, r->source->name);
    else
        r->status = vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "PNG: %s", text);
    longjmp(r->escape, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    reader *r = png_get_io_ptr(png);
    if (count > r->source->size - r->offset) {
        r->status = truncated(r->source, r->err);
        longjmp(r->escape, 1);
    }
    memcpy(to, r->source->bytes + r->offset, count);
    r->offset += count;
}

/* Our own, to tell a lack of memory from damage. */
static png_voidp allocate(png_structp png, png_alloc_size_t size)
{
    reader *r = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory)
        r->out_of_memory = true;
    return memory;
}

static void release(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

/* ------------------------------------------------------------------ header ---- */

static bool known_combination(unsigned colour, unsigned depth)
{
    switch (colour) {
    case PNG_COLOR_TYPE_GRAY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PNG_COLOR_TYPE_PALETTE:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case PNG_COLOR_TYPE_RGB:
    case PNG_COLOR_TYPE_GRAY_ALPHA:
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static unsigned channels_of(unsigned colour)
{
    if (colour == PNG_COLOR_TYPE_RGB)
        return 3;
    if (colour == PNG_COLOR_TYPE_RGB_ALPHA)
        return 4;
    return colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : 1;
}

static vit_status not_a_png(const vit__source *source, const char *why, vit_error *err)
{
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, source->name, "PNG: %s", why);
}

/* Looks at the header before libpng does: a wrong one means "no PNG", and its sizes decide before memory is taken: they
 * must be within the limits, and such that the file can hold the picture. */
static vit_status check_header(const vit__source *source, const vit_load_options *options, vit_error *err)
{
    const uint8_t *b = source->bytes;
    if (source->size < 16)
        return not_a_png(source, "nothing follows the signature", err);
    if (vit__be32(b + 8) != 13 || memcmp(b + 12, "IHDR", 4) != 0)
        return not_a_png(source, "no header behind the signature", err);
    if (source->size < HEADER_SIZE)
        return truncated(source, err);
    if (!vit__png_chunk_sound(b + 8))
        return not_a_png(source, "wrong checksum on the header", err);
    const uint32_t width = vit__be32(b + 16), height = vit__be32(b + 20);
    if (width == 0 || height == 0)
        return not_a_png(source, "width or height is 0", err);
    if (!known_combination(b[25], b[24]))
        return not_a_png(source, "no such colour type and depth", err);
    if (b[27] != 0)
        return not_a_png(source, "unknown filter method", err);
    vit_status status = vit__check_pixels(source, options, width, height, err);
    if (status != VIT_OK)
        return status;
    const uint64_t row_bits = (uint64_t)width * channels_of(b[25]) * b[24];
    if ((row_bits + 7) / 8 * height / MAX_EXPANSION > source->size)
        return truncated(source, err);
    return VIT_OK;
}

/* ------------------------------------------------------------------ transparency ---- */

/* Pillow compares the key's low byte, unscaled, with samples already scaled to 8 bit (but scales the key of 1-bit
 * pictures). Right for 8 bit; for other depths a quirk, kept so that pixels equal the Python reference's. In 16-bit
 * gray, whose samples we scale and Pillow does not, it makes nothing transparent, so there the key is left out. */
static void take_key(reader *r, unsigned colour, unsigned depth)
{
    png_color_16p key = NULL;
    if (colour == PNG_COLOR_TYPE_GRAY && depth == 16)
        return;
    if (!png_get_tRNS(r->png, r->info, NULL, NULL, &key) || !key)
        return;
    r->has_key = true;
    if (colour == PNG_COLOR_TYPE_GRAY) {
        const unsigned level = depth == 1 ? (key->gray ? 255u : 0u) : key->gray & 255u;
        memset(r->key, (int)level, sizeof r->key);
        return;
    }
    r->key[0] = (uint8_t)(key->red & 255);
    r->key[1] = (uint8_t)(key->green & 255);
    r->key[2] = (uint8_t)(key->blue & 255);
}

static void replace_key(uint8_t *row, uint32_t count, const uint8_t key[3], const uint8_t background[3])
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(row + 3 * i, key, 3) == 0)
            memcpy(row + 3 * i, background, 3);
    }
}

/* ------------------------------------------------------------------ picture ---- */

static void open_decoder(reader *r)
{
    r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning, r, allocate, release);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    if (!r->info) {
        r->status = vit__fail_memory(r->err, r->source->name);
        longjmp(r->escape, 1);
    }
    png_set_read_fn(r->png, r, read_bytes);
    /* The limit on pixels has been checked. Chunks we do not need are not even unpacked (a negative count means: all
     * but IHDR, PLTE, tRNS, IDAT and IEND), so they may be of any size. */
    png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_malloc_max(r->png, 0x7fffffff);
    png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

/* Asks libpng for 8-bit RGB, or RGBA if the picture has alpha that is wanted. */
static void set_transformations(reader *r)
{
    const unsigned colour = png_get_color_type(r->png, r->info), depth = png_get_bit_depth(r->png, r->info);
    png_set_strip_16(r->png);
    if (colour == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(r->png);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8)
        png_set_expand_gray_1_2_4_to_8(r->png);
    if (!(colour & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(r->png);
    if (!r->options->composite)
        png_set_strip_alpha(r->png);
    else if (colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_RGB)
        take_key(r, colour, depth);
    png_read_update_info(r->png, r->info);
    r->has_alpha = png_get_channels(r->png, r->info) == 4;
}

static vit_status prepare(reader *r)
{
    int orientation = 1;
    if (r->options->exif == VIT_EXIF_APPLY) {
        vit_status status = vit__png_orientation(r->source, &orientation, r->err);
        if (status != VIT_OK)
            return status;
    }
    png_read_info(r->png, r->info);
    set_transformations(r);
    r->width = png_get_image_width(r->png, r->info);
    r->height = png_get_image_height(r->png, r->info);
    vit_status status = vit__canvas_create(r->source, r->width, r->height, orientation, r->image, &r->canvas, r->err);
    if (status != VIT_OK)
        return status;
    r->row = vit__alloc(png_get_rowbytes(r->png, r->info), 1);
    return r->row ? VIT_OK : vit__fail_memory(r->err, r->source->name);
}

static void read_row(reader *r, uint32_t y, vit__stride columns)
{
    png_read_row(r->png, r->row, NULL);
    if (r->has_alpha)
        vit__alpha_composite(r->row, columns.count, r->options->background);
    if (r->has_key)
        replace_key(r->row, columns.count, r->key, r->options->background);
    vit__canvas_scatter(&r->canvas, y, columns, r->row);
}

/* Adam7's seven passes. libpng hands out the rows of each as they are, and none of a pass without pixels. */
typedef struct interlace_pass {
    uint32_t x, y, step_x, step_y;
} interlace_pass;

static const interlace_pass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                       {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

static void read_pass(reader *r, interlace_pass pass)
{
    if (pass.x >= r->width)
        return;
    const vit__stride columns = {pass.x, pass.step_x, (r->width - pass.x + pass.step_x - 1) / pass.step_x};
    for (uint32_t y = pass.y; y < r->height; y += pass.step_y)
        read_row(r, y, columns);
}

static void read_rows(reader *r)
{
    if (png_get_interlace_type(r->png, r->info) == PNG_INTERLACE_NONE) {
        for (uint32_t y = 0; y < r->height; y++)
            read_row(r, y, (vit__stride){0, 1, r->width});
        return;
    }
    for (size_t pass = 0; pass < sizeof adam7 / sizeof *adam7; pass++)
        read_pass(r, adam7[pass]);
}

/* All calls of libpng that can fail are made below this function, and jump back to it. What follows the last row is not
 * read: the picture is complete. */
static vit_status decode(reader *r)
{
    if (setjmp(r->escape) != 0)
        return r->status;
    open_decoder(r);
    vit_status status = prepare(r);
    if (status != VIT_OK)
        return status;
    read_rows(r);
    return VIT_OK;
}

static vit_status read_png(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    vit_status status = check_header(source, options, err);
    if (status != VIT_OK)
        return status;
    reader *r = vit__alloc_zero(1, sizeof *r);
    if (!r)
        return vit__fail_memory(err, source->name);
    r->source = source;
    r->options = options;
    r->image = image;
    r->err = err;
    status = decode(r);
    if (r->png)
        png_destroy_read_struct(&r->png, &r->info, NULL);
    free(r->row);
    free(r);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

const vit__format vit__format_png = {"PNG", is_png, read_png, NULL};

/* ------------------------------------------------------------------ writing ---- */

vit_status vit_image_encode_png(const vit_image *image, void **bytes, size_t *size, vit_error *err)
{
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK && (!image || !image->pixels || image->width == 0 || image->height == 0))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "image is NULL or has no pixels");
    if (status != VIT_OK)
        return status;
    if (image->width > VIT__LIMIT_PNG_EDGE || image->height > VIT__LIMIT_PNG_EDGE ||
        (uint64_t)image->width * image->height > VIT_MAX_PIXELS)
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "a PNG of %lux%lu pixels", (unsigned long)image->width,
                         (unsigned long)image->height);
    png_image png = {
        .version = PNG_IMAGE_VERSION, .width = image->width, .height = image->height, .format = PNG_FORMAT_RGB};
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(png);
    void *memory = vit__alloc(length, 1);
    if (!memory)
        return vit__fail_memory(err, NULL);
    if (!png_image_write_to_memory(&png, memory, &length, 0, image->pixels, 0, NULL)) {
        free(memory);
        return vit__fail(err, VIT_ERR_INTERNAL, NULL, "PNG: %s", png.message);
    }
    *bytes = memory;
    *size = length;
    return VIT_OK;
}
