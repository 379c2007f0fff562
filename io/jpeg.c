/* SPDX-License-Identifier: BSD-2-Clause */
/* JPEG by libjpeg-turbo, with its defaults (accurate integer IDCT, smooth chroma upsampling), which are Pillow's too.
 * Truncated data is an error; damaged entropy-coded data inside a complete file is not, as in Pillow. A file of
 * several pictures (MPO) gives the first. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "byte_limit.h"
#include "cmyk.h"
#include "exif.h"
#include "limit.h"
#include "memory.h"
#include "orient.h"

#define ROWS 16u /* worked on together; matters where rows become columns */

/* Every scan of a progressive file walks over the whole picture and may take only a dozen bytes. Encoders write about
 * ten scans. Past FREE_SCANS, scans * pixels is limited, so that a small file cannot cost minutes. */
#define FREE_SCANS 24

/* Huffman coding spends at least one bit on a block of 8 x 8 pixels. A file that cannot hold them all may be cut,
 * or made to cost memory; small pictures may be incomplete, since they cost little, and libjpeg fills them up. */
#define PIXELS_PER_BYTE 512u
#define FREE_PIXELS (UINT64_C(1) << 24)

typedef struct segment {
    const uint8_t *bytes;
    size_t size;
} segment;

typedef struct reader {
    struct jpeg_decompress_struct decoder;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr input;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    const vit__source *source;
    const vit_load_options *options;
    vit_image *image;
    vit_error *err;
    vit_status status;
    segment exif, xmp; /* inside the source's bytes */
    vit__canvas canvas;
    uint8_t *rows; /* ROWS rows as libjpeg gives them; NULL where it writes into the picture */
} reader;

static bool is_jpeg(const vit__source *source)
{
    return source->size >= 3 && memcmp(source->bytes, "\xff\xd8\xff", 3) == 0;
}

/* ------------------------------------------------------------------ errors ---- */

static reader *reader_of(j_common_ptr decoder)
{
    return decoder->client_data;
}

static _Noreturn void escape(reader *r, vit_status status)
{
    r->status = status;
    longjmp(r->escape, 1);
}

static _Noreturn void escape_truncated(reader *r)
{
    escape(r, vit__fail_truncated(r->source, "JPEG", r->err));
}

static bool in_frame_header(j_common_ptr common)
{
    const int marker = ((j_decompress_ptr)common)->unread_marker;
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* A file whose frame header describes no picture that JPEG readers know is not "a damaged JPEG" but none at all. */
static vit_status status_of(j_common_ptr common)
{
    switch (common->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
        return VIT_ERR_OUT_OF_MEMORY;
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return VIT_ERR_TOO_LARGE;
    case JERR_NO_IMAGE:
    case JERR_EMPTY_IMAGE:
    case JERR_BAD_PRECISION:
    case JERR_COMPONENT_COUNT:
        return VIT_ERR_UNSUPPORTED_FORMAT;
    case JERR_BAD_LENGTH:
        return in_frame_header(common) ? VIT_ERR_UNSUPPORTED_FORMAT : VIT_ERR_CORRUPT;
    default:
        return VIT_ERR_CORRUPT;
    }
}

static void on_error(j_common_ptr common)
{
    reader *r = reader_of(common);
    vit_status status = status_of(common);
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        escape(r, vit__fail_memory(r->err, r->source->name));
    escape(r, vit__fail(r->err, status, r->source->name, "JPEG: %s", text));
}

/* Warnings and traces: libjpeg would print them. */
static void on_message(j_common_ptr common, int level)
{
    (void)common;
    (void)level;
}

static void on_output(j_common_ptr common)
{
    (void)common;
}

static void on_progress(j_common_ptr common)
{
    const j_decompress_ptr d = (j_decompress_ptr)common;
    const uint64_t scans = (uint64_t)d->input_scan_number, pixels = (uint64_t)d->image_width * d->image_height;
    reader *r = reader_of(common);
    if (scans > FREE_SCANS && scans * pixels > VIT__LIMIT_JPEG_SCANNED_PIXELS)
        escape(r, vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name,
                            "JPEG: more scans over the picture than any sound file has"));
}

/* ------------------------------------------------------------------ input ---- */

static void nothing(j_decompress_ptr d)
{
    (void)d;
}

/* Everything there is was handed over at the start. (libjpeg's own source would make up an end marker.) */
static boolean fill(j_decompress_ptr d)
{
    escape_truncated(reader_of((j_common_ptr)d));
}

static void skip(j_decompress_ptr d, long count)
{
    if (count <= 0)
        return;
    if ((size_t)count > d->src->bytes_in_buffer)
        escape_truncated(reader_of((j_common_ptr)d));
    d->src->next_input_byte += count;
    d->src->bytes_in_buffer -= (size_t)count;
}

static void keep_if(segment s, const char *prefix, size_t length, bool first, segment *kept)
{
    if (s.size < length || memcmp(s.bytes, prefix, length) != 0 || (first && kept->bytes))
        return;
    *kept = (segment){s.bytes + length, s.size - length};
}

/* APP1 holds EXIF or XMP. They are looked at where they lie, so that a file full of them costs no memory. */
static boolean read_app1(j_decompress_ptr d)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    reader *r = reader_of((j_common_ptr)d);
    const uint8_t *at = d->src->next_input_byte;
    if (d->src->bytes_in_buffer < 2)
        escape_truncated(r);
    size_t length = (size_t)at[0] << 8 | at[1];
    if (length < 2)
        length = 2; /* less than its own size: Pillow and libjpeg let it pass */
    if (d->src->bytes_in_buffer < length)
        escape_truncated(r);
    const segment s = {at + 2, length - 2};
    keep_if(s, "Exif\0\0", 6, true, &r->exif);
    keep_if(s, xmp, sizeof xmp, false, &r->xmp);
    d->src->next_input_byte += length;
    d->src->bytes_in_buffer -= length;
    return TRUE;
}

/* ------------------------------------------------------------------ picture ---- */

static void open_decoder(reader *r)
{
    j_decompress_ptr d = &r->decoder;
    d->err = jpeg_std_error(&r->errors);
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->errors.output_message = on_output;
    d->client_data = r;
    jpeg_create_decompress(d);
    r->input = (struct jpeg_source_mgr){
        .next_input_byte = r->source->bytes,
        .bytes_in_buffer = r->source->size,
        .init_source = nothing,
        .fill_input_buffer = fill,
        .skip_input_data = skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = nothing,
    };
    d->src = &r->input;
    r->progress.progress_monitor = on_progress;
    d->progress = &r->progress;
    jpeg_set_marker_processor(d, JPEG_APP0 + 1, read_app1);
}

static int orientation_of(const reader *r)
{
    if (r->options->exif == VIT_EXIF_IGNORE)
        return 1;
    return vit__choose_orientation(vit__exif_orientation(r->exif.bytes, r->exif.size),
                                   vit__xmp_orientation(r->xmp.bytes, r->xmp.size));
}

/* From the header alone: is it a picture we read, small enough, and can it be in this file? */
static vit_status check_header(reader *r)
{
    j_decompress_ptr d = &r->decoder;
    jpeg_read_header(d, TRUE);
    if (d->num_components != 1 && d->num_components != 3 && d->num_components != 4)
        return vit__fail(r->err, VIT_ERR_UNSUPPORTED_FORMAT, r->source->name, "JPEG: %d colour components",
                         d->num_components);
    vit_status status = vit__check_pixels(r->source, r->options, d->image_width, d->image_height, r->err);
    if (status != VIT_OK)
        return status;
    const uint64_t pixels = (uint64_t)d->image_width * d->image_height;
    if (!d->arith_code && pixels > FREE_PIXELS && pixels / PIXELS_PER_BYTE > r->source->size)
        escape_truncated(r);
    return VIT_OK;
}

/* Half, a quarter, an eighth of each edge, as long as enough is left: these are the sizes that
 * libjpeg-turbo has fast loops for. Each output size is that of the picture, divided and rounded up. */
static void choose_scale(reader *r, bool turned)
{
    j_decompress_ptr d = &r->decoder;
    const vit_load_options *o = r->options;
    const uint64_t least_width = turned ? o->least_height : o->least_width;
    const uint64_t least_height = turned ? o->least_width : o->least_height;
    unsigned divisor = 1;
    if (least_width > 0 && least_height > 0)
        while (divisor < 8 && (d->image_width + 2 * divisor - 1) / (2 * divisor) >= least_width &&
               (d->image_height + 2 * divisor - 1) / (2 * divisor) >= least_height)
            divisor *= 2;
    d->scale_num = 1;
    d->scale_denom = divisor;
    uint32_t *whole = r->source->sizes->whole;
    whole[0] = turned ? d->image_height : d->image_width;
    whole[1] = turned ? d->image_width : d->image_height;
}

/* Makes room for the picture. */
static vit_status prepare(reader *r)
{
    j_decompress_ptr d = &r->decoder;
    const char *name = r->source->name;
    vit_status status = check_header(r);
    if (status != VIT_OK)
        return status;
    const int orientation = orientation_of(r);
    d->out_color_space = d->num_components == 4 ? JCS_CMYK : JCS_RGB;
    choose_scale(r, vit__turns_sideways(orientation));
    jpeg_calc_output_dimensions(d);
    status = vit__canvas_create(r->source, d->output_width, d->output_height, orientation, r->image, &r->canvas,
                                r->err);
    if (status != VIT_OK)
        return status;
    if (d->num_components == 4 || !vit__canvas_row(&r->canvas, 0)) {
        r->rows = vit__alloc(d->output_width, ROWS * 4);
        if (!r->rows)
            return vit__fail_memory(r->err, name);
    }
    return VIT_OK;
}

static void read_rows(reader *r)
{
    j_decompress_ptr d = &r->decoder;
    const size_t stride = (size_t)d->output_width * (size_t)d->output_components;
    while (d->output_scanline < d->output_height) {
        const uint32_t y = d->output_scanline, left = d->output_height - y, want = left < ROWS ? left : ROWS;
        JSAMPROW rows[ROWS];
        for (uint32_t i = 0; i < want; i++)
            rows[i] = r->rows ? r->rows + i * stride : vit__canvas_row(&r->canvas, y + i);
        for (uint32_t got = 0; got < want;)
            got += jpeg_read_scanlines(d, rows + got, want - got);
        if (!r->rows)
            continue;
        if (d->out_color_space == JCS_CMYK) /* taken as inverted, with or without an Adobe marker */
            vit__cmyk_to_rgb(r->rows, (size_t)want * d->output_width);
        vit__canvas_store(&r->canvas, y, want, r->rows);
    }
}

/* All calls of libjpeg that can fail are made below this function, and jump back to it. */
static vit_status decode(reader *r)
{
    if (setjmp(r->escape) != 0)
        return r->status;
    open_decoder(r);
    vit_status status = prepare(r);
    if (status != VIT_OK)
        return status;
    jpeg_start_decompress(&r->decoder);
    read_rows(r);
    return VIT_OK;
}

static vit_status read_jpeg(const vit__source *source, const vit_load_options *options, vit_image *image,
                            vit_error *err)
{
    reader *r = vit__alloc_zero(1, sizeof *r);
    if (!r)
        return vit__fail_memory(err, source->name);
    r->source = source;
    r->options = options;
    r->image = image;
    r->err = err;
    vit_status status = decode(r);
    jpeg_destroy_decompress(&r->decoder);
    free(r->rows);
    free(r);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

/* ------------------------------------------------------------------ writing ---- */

typedef struct writer {
    struct jpeg_compress_struct encoder;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    unsigned char *bytes; /* of malloc, also where the encoder gave up */
    unsigned long size;
} writer;

static _Noreturn void give_up(j_common_ptr encoder)
{
    longjmp(((writer *)encoder->client_data)->escape, 1);
}

/* All calls of libjpeg that can fail are made below this function, and jump back to it. */
static bool encode(writer *w, const vit_image *image, int quality)
{
    j_compress_ptr c = &w->encoder;
    if (setjmp(w->escape) != 0)
        return false;
    c->err = jpeg_std_error(&w->errors);
    w->errors.error_exit = give_up;
    w->errors.output_message = on_output;
    c->client_data = w;
    jpeg_create_compress(c);
    jpeg_mem_dest(c, &w->bytes, &w->size);
    c->image_width = image->width;
    c->image_height = image->height;
    c->input_components = 3;
    c->in_color_space = JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = image->pixels + (size_t)c->next_scanline * image->width * 3;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
    return true;
}

vit_status vit_image_encode_jpeg(const vit_image *image, int quality, void **bytes, size_t *size, vit_error *err)
{
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK && (!image || !image->pixels || image->width == 0 || image->height == 0))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "image is NULL or has no pixels");
    if (status == VIT_OK && (quality < 1 || quality > 100))
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "quality is %d; it is 1 to 100", quality);
    if (status != VIT_OK)
        return status;
    if (image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION)
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "a JPEG of %lux%lu pixels: an edge has at most %ld",
                         (unsigned long)image->width, (unsigned long)image->height, JPEG_MAX_DIMENSION);
    writer w = {0};
    bool done = encode(&w, image, quality);
    bool no_memory = !done && w.errors.msg_code == JERR_OUT_OF_MEMORY;
    char text[JMSG_LENGTH_MAX] = "";
    if (!done && !no_memory)
        w.errors.format_message((j_common_ptr)&w.encoder, text);
    jpeg_destroy_compress(&w.encoder);
    if (!done) {
        free(w.bytes);
        return no_memory ? vit__fail_memory(err, NULL) : vit__fail(err, VIT_ERR_INTERNAL, NULL, "JPEG: %s", text);
    }
    *bytes = w.bytes;
    *size = w.size;
    return VIT_OK;
}

const vit__format vit__format_jpeg = {"JPEG", is_jpeg, read_jpeg, NULL};
