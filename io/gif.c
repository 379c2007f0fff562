/* SPDX-License-Identifier: BSD-2-Clause */
/* GIF by giflib, record by record: the first frame on the canvas, as in Pillow. A frame that sticks out enlarges the
 * canvas. Where no frame lies, the canvas has the transparent colour, or else colour 0. What follows the first frame
 * is not looked at. */
#include <string.h>

#include "reader.h"

static bool is_gif(const vit__source *source)
{
    return source->size >= 6 && (memcmp(source->bytes, "GIF87a", 6) == 0 || memcmp(source->bytes, "GIF89a", 6) == 0);
}

#ifdef VIT_HAVE_GIF

#include <errno.h>
#include <stdlib.h>

#include <gif_lib.h>

#include "library.h"
#include "memory.h"
#include "orient.h"
#include "palette.h"

/* A code has at least 3 bits, and one of 12 bits stands for at most so many pixels. */
#define PIXELS_PER_BYTE 4096u

#define NO_COLOUR (-1)
#define CODE_BITS 12u /* of the longest code */
#define CODES (1u << CODE_BITS)
#define COLOUR_BITS 11u /* the most that a code can begin with */

static struct {
    __typeof__(&DGifOpen) open;
    __typeof__(&DGifCloseFile) close;
    __typeof__(&DGifGetRecordType) next_record;
    __typeof__(&DGifGetImageHeader) read_frame_header;
    __typeof__(&DGifGetCodeNext) read_block;
    __typeof__(&DGifGetExtension) read_extension;
    __typeof__(&DGifGetExtensionNext) read_extension_next;
} giflib;

static const vit__library_function functions[] = {
    {"DGifOpen", &giflib.open},
    {"DGifCloseFile", &giflib.close},
    {"DGifGetRecordType", &giflib.next_record},
    {"DGifGetImageHeader", &giflib.read_frame_header},
    {"DGifGetCodeNext", &giflib.read_block},
    {"DGifGetExtension", &giflib.read_extension},
    {"DGifGetExtensionNext", &giflib.read_extension_next},
};

static vit__library library = {.file = VIT_GIF_FILE, .functions = functions, .n = sizeof functions / sizeof *functions};

/* The bits of the codes, which lie in blocks of at most 255 bytes. The lowest bit comes first. */
typedef struct bits {
    uint64_t waiting;
    unsigned count; /* of the bits that wait */
    unsigned width; /* of the next code */
    const uint8_t *block;
    size_t left; /* bytes of the block */
} bits;

/* The strings that codes stand for: that of a code is the string of another one and a colour. */
typedef struct strings {
    bits bits;
    unsigned colour_bits;
    unsigned clear; /* this code empties the table; below it each code is a colour, and behind it is the end */
    unsigned next;  /* the first code that stands for nothing yet */
    int last;       /* the code before, or NO_COLOUR */
    uint8_t first;  /* the colour that its string begins with */
    uint16_t before[CODES];
    uint16_t length[CODES];
    uint8_t colour[CODES];
    uint8_t pending[CODES + 1]; /* colours of the last string that are not taken yet, in their order, from `taken` on */
    size_t taken, waiting;
} strings;

static void clear_strings(strings *s)
{
    s->next = s->clear + 2;
    s->last = NO_COLOUR;
    s->bits.width = s->colour_bits + 1;
}

static void prepare_strings(strings *s, unsigned colour_bits)
{
    s->colour_bits = colour_bits;
    s->clear = 1u << colour_bits;
    for (unsigned c = 0; c < s->clear; c++) {
        s->colour[c] = (uint8_t)c;
        s->length[c] = 1;
    }
    clear_strings(s);
}

typedef struct reader {
    const vit__source *source;
    const vit_load_options *options;
    vit_image *image;
    vit_error *err;
    size_t offset; /* of the next byte for giflib */
    bool ended;    /* giflib has asked for more than there is */
    GifFileType *gif;
    int transparent;                 /* a colour, or NO_COLOUR */
    unsigned colour_bits;            /* of the frame */
    uint32_t width, height;          /* of the canvas, the frame included */
    uint8_t palette[VIT_PALETTE][3]; /* transparency resolved */
    vit__canvas canvas;
    uint8_t *indices, *row; /* of one row of the canvas; RGB */
    strings *strings;
} reader;

static int read_bytes(GifFileType *gif, GifByteType *to, int count)
{
    reader *r = gif->UserData;
    const size_t left = r->source->size - r->offset, wanted = (size_t)count;
    if (wanted > left)
        r->ended = true;
    if (wanted > left)
        return 0;
    memcpy(to, r->source->bytes + r->offset, wanted);
    r->offset += wanted;
    return count;
}

/* giflib does not always tell a lack of memory from damage, and malloc does: errno is 0 before giflib is called. */
static vit_status fail(const reader *r, int code)
{
    const char *name = r->source->name;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM || errno == ENOMEM)
        return vit__fail_memory(r->err, name);
    if (r->ended)
        return vit__fail_truncated(r->source, "GIF", r->err);
    return vit__fail(r->err, VIT_ERR_CORRUPT, name, "GIF: the data are damaged (giflib code %d)", code);
}

static vit_status open_file(reader *r)
{
    int code = 0;
    r->gif = giflib.open(r, read_bytes, &code);
    return r->gif ? VIT_OK : fail(r, code);
}

/* One extension is read: the one that says which colour is transparent. */
static vit_status read_extension(reader *r)
{
    int function = 0;
    GifByteType *block = NULL; /* its length, then its bytes */
    int ok = giflib.read_extension(r->gif, &function, &block);
    if (ok == GIF_OK && function == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 && (block[1] & 1))
        r->transparent = block[4];
    while (ok == GIF_OK && block)
        ok = giflib.read_extension_next(r->gif, &block);
    return ok == GIF_OK ? VIT_OK : fail(r, r->gif->Error);
}

/* Its last byte says how many bits a colour has. giflib refuses more than 8, when it has read all; Pillow does not. */
static vit_status read_frame_header(reader *r)
{
    const int ok = giflib.read_frame_header(r->gif);
    if (ok != GIF_OK && (r->ended || r->gif->Error != D_GIF_ERR_READ_FAILED))
        return fail(r, r->gif->Error);
    r->colour_bits = r->source->bytes[r->offset - 1];
    return r->colour_bits <= COLOUR_BITS ? VIT_OK : fail(r, D_GIF_ERR_IMAGE_DEFECT);
}

/* Up to the header of the first frame. Bytes that begin no record are passed over, as in Pillow. */
static vit_status find_frame(reader *r)
{
    for (;;) {
        GifRecordType type = UNDEFINED_RECORD_TYPE;
        const int ok = giflib.next_record(r->gif, &type);
        if (ok != GIF_OK && r->gif->Error != D_GIF_ERR_WRONG_RECORD)
            return fail(r, r->gif->Error);
        if (ok == GIF_OK && type == TERMINATE_RECORD_TYPE)
            return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "GIF: there is no frame in the file");
        if (ok == GIF_OK && type == IMAGE_DESC_RECORD_TYPE)
            break;
        vit_status status = VIT_OK;
        if (ok == GIF_OK && type == EXTENSION_RECORD_TYPE)
            status = read_extension(r);
        if (status != VIT_OK)
            return status;
    }
    return read_frame_header(r);
}

static vit_status check_size(reader *r)
{
    const GifImageDesc *f = &r->gif->Image;
    const uint32_t right = (uint32_t)f->Left + (uint32_t)f->Width, below = (uint32_t)f->Top + (uint32_t)f->Height;
    r->width = (uint32_t)r->gif->SWidth > right ? (uint32_t)r->gif->SWidth : right;
    r->height = (uint32_t)r->gif->SHeight > below ? (uint32_t)r->gif->SHeight : below;
    if (f->Width == 0 || f->Height == 0)
        return vit__fail(r->err, VIT_ERR_CORRUPT, r->source->name, "GIF: the first frame has no pixels");
    vit_status status = vit__check_pixels(r->source, r->options, r->width, r->height, r->err);
    if (status == VIT_OK && (uint64_t)f->Width * (uint64_t)f->Height / PIXELS_PER_BYTE > r->source->size)
        status = vit__fail_truncated(r->source, "GIF", r->err);
    return status;
}

/* A table of the frame wins over that of the file. */
static void fill_palette(reader *r)
{
    const ColorMapObject *map = r->gif->Image.ColorMap ? r->gif->Image.ColorMap : r->gif->SColorMap;
    size_t n = 0;
    for (; map && n < (size_t)map->ColorCount && n < VIT_PALETTE; n++)
        memcpy(r->palette[n], (uint8_t[]){map->Colors[n].Red, map->Colors[n].Green, map->Colors[n].Blue}, 3);
    vit__palette_complete(r->palette, n);
    if (r->options->composite && r->transparent != NO_COLOUR)
        memcpy(r->palette[r->transparent], r->options->background, 3);
}

/* The row y of the canvas: indices between left and right, and around them what is no frame's. */
static void store(reader *r, uint32_t y)
{
    uint8_t *in_place = vit__canvas_row(&r->canvas, y), *row = in_place ? in_place : r->row;
    vit__palette_row(r->palette[0], r->indices, r->width, row);
    if (!in_place)
        vit__canvas_store(&r->canvas, y, 1, row);
}

static vit_status prepare(reader *r)
{
    vit_status status = vit__canvas_create(r->source, r->width, r->height, 1, r->image, &r->canvas, r->err);
    if (status != VIT_OK)
        return status;
    r->indices = vit__alloc(r->width, 1);
    r->row = vit__alloc(r->width, 3);
    r->strings = vit__alloc_zero(1, sizeof *r->strings);
    if (!r->indices || !r->row || !r->strings)
        return vit__fail_memory(r->err, r->source->name);
    prepare_strings(r->strings, r->colour_bits);
    fill_palette(r);
    memset(r->indices, r->transparent == NO_COLOUR ? 0 : r->transparent, r->width);
    for (uint32_t y = 0; y < r->height; y++)
        if (y < (uint32_t)r->gif->Image.Top || y - (uint32_t)r->gif->Image.Top >= (uint32_t)r->gif->Image.Height)
            store(r, y);
    return VIT_OK;
}

/* An interlaced frame has its rows in four passes. */
typedef struct frame_pass {
    uint32_t first, step;
} frame_pass;

static const frame_pass in_order[] = {{0, 1}}, interlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};

/* Fills the bits up to more than a code has. A block of no bytes ends the data. */
static vit_status fill_bits(reader *r, bits *b)
{
    while (b->count <= 64 - 8) {
        if (b->left == 0) {
            GifByteType *block = NULL;
            if (giflib.read_block(r->gif, &block) != GIF_OK || !block)
                return b->count >= b->width ? VIT_OK : fail(r, D_GIF_ERR_IMAGE_DEFECT);
            b->left = block[0];
            b->block = block + 1;
        }
        b->waiting |= (uint64_t)*b->block++ << b->count;
        b->left--;
        b->count += 8;
    }
    return VIT_OK;
}

/* Puts the string of a code, of `length` colours, where it belongs: backwards, as it is found. The first colour is
 * returned. */
static uint8_t write_string(const strings *s, unsigned code, uint8_t *to, size_t length)
{
    for (; length > 1; length--) {
        to[length - 1] = s->colour[code];
        code = s->before[code];
    }
    return to[0] = s->colour[code];
}

/* The string of a code, to `to` if it has room for it, or else to s->pending. A code that stands for nothing yet is the
 * string before with its own first colour once more. *length: 0 if it went to s->pending. false: the code has no
 * string. */
static bool expand_code(strings *s, unsigned code, uint8_t *to, size_t room, size_t *length)
{
    const bool is_next = code == s->next && s->last != NO_COLOUR && code < CODES;
    if (code >= s->next && !is_next)
        return false;
    if (s->last == NO_COLOUR ? code >= s->clear : code == s->clear + 1)
        return false;
    const size_t known = s->length[is_next ? (unsigned)s->last : code], whole = known + is_next;
    const bool fits = whole <= room;
    uint8_t *into = fits ? to : s->pending;
    s->first = write_string(s, is_next ? (unsigned)s->last : code, into, known);
    if (is_next)
        into[known] = s->first;
    *length = fits ? whole : 0;
    s->taken = 0;
    s->waiting = fits ? 0 : whole;
    if (s->last != NO_COLOUR && s->next < CODES) {
        s->before[s->next] = (uint16_t)s->last;
        s->length[s->next] = (uint16_t)(s->length[s->last] + 1);
        s->colour[s->next++] = s->first;
    }
    if (s->next >> s->bits.width && s->bits.width < CODE_BITS)
        s->bits.width++;
    s->last = (int)code;
    return true;
}

/* The next string, of one pixel at least. */
static vit_status next_string(reader *r, uint8_t *to, size_t room, size_t *length)
{
    strings *s = r->strings;
    for (;;) {
        bits *b = &s->bits;
        vit_status status = b->count >= b->width ? VIT_OK : fill_bits(r, b);
        if (status != VIT_OK)
            return status;
        const unsigned code = (unsigned)b->waiting & ((1u << b->width) - 1);
        b->waiting >>= b->width;
        b->count -= b->width;
        if (code == s->clear + 1)
            return vit__fail_truncated(r->source, "GIF", r->err);
        if (code != s->clear)
            return expand_code(s, code, to, room, length) ? VIT_OK : fail(r, D_GIF_ERR_IMAGE_DEFECT);
        clear_strings(s);
    }
}

static vit_status read_line(reader *r, uint8_t *to, size_t count)
{
    strings *s = r->strings;
    for (size_t at = 0; at < count;) {
        if (s->waiting == 0) {
            size_t length = 0;
            vit_status status = next_string(r, to + at, count - at, &length);
            if (status != VIT_OK)
                return status;
            at += length;
        }
        const size_t n = s->waiting < count - at ? s->waiting : count - at;
        memcpy(to + at, s->pending + s->taken, n);
        s->taken += n;
        s->waiting -= n;
        at += n;
    }
    return VIT_OK;
}

static vit_status read_pass(reader *r, frame_pass pass)
{
    const GifImageDesc *f = &r->gif->Image;
    vit_status status = VIT_OK;
    for (uint32_t y = pass.first; y < (uint32_t)f->Height && status == VIT_OK; y += pass.step) {
        status = read_line(r, r->indices + f->Left, (size_t)f->Width);
        if (status == VIT_OK)
            store(r, (uint32_t)f->Top + y);
    }
    return status;
}

static vit_status read_frame(reader *r)
{
    const frame_pass *passes = r->gif->Image.Interlace ? interlaced : in_order;
    const size_t count = r->gif->Image.Interlace ? sizeof interlaced / sizeof *interlaced : 1;
    vit_status status = VIT_OK;
    for (size_t i = 0; i < count && status == VIT_OK; i++)
        status = read_pass(r, passes[i]);
    return status;
}

static vit_status read_gif(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    if (!vit__library_load(&library))
        return vit__fail_not_loaded(source, "GIF", &library, err);
    reader r = {.source = source, .options = options, .image = image, .err = err, .transparent = NO_COLOUR};
    errno = 0;
    vit_status status = open_file(&r);
    if (status == VIT_OK)
        status = find_frame(&r);
    if (status == VIT_OK)
        status = check_size(&r);
    if (status == VIT_OK)
        status = prepare(&r);
    if (status == VIT_OK)
        status = read_frame(&r);
    if (r.gif)
        giflib.close(r.gif, NULL);
    free(r.indices);
    free(r.row);
    free(r.strings);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

#else
#define read_gif NULL
#endif

const vit__format vit__format_gif = {"GIF", is_gif, read_gif, "install libgif-dev"};
