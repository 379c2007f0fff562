/* SPDX-License-Identifier: BSD-2-Clause */
#include "png_metadata.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "bytes.h"
#include "exif.h"
#include "limit.h"
#include "memory.h"

/* As much of a text as is looked at. Compressed ones are not unpacked further, however far they would go. */

#define CHUNK_OVERHEAD 12u /* length, type, checksum */

/* A text chunk's value as stored. */
typedef struct text {
    const uint8_t *bytes;
    size_t size;
    bool compressed;
} text;

/* The last of each kind, as Pillow keeps them. Only these are unpacked, so that many cost no more than one. */
typedef struct metadata {
    text exif, raw_profile, xmp;
} metadata;

bool vit__png_chunk_sound(const uint8_t *chunk)
{
    const uint32_t length = vit__be32(chunk); /* at most 2^32 - 1 - 12: it lies in memory */
    return crc32_z(crc32_z(0, NULL, 0), chunk + 4, (size_t)length + 4) == vit__be32(chunk + 8 + length);
}

/* ------------------------------------------------------------------ finding ---- */

/* The bytes behind the first NUL, or NULL if there is none. */
static const uint8_t *behind_nul(const uint8_t *bytes, const uint8_t *end)
{
    const uint8_t *nul = memchr(bytes, 0, (size_t)(end - bytes));
    return nul ? nul + 1 : NULL;
}

/* tEXt: keyword NUL text. zTXt: keyword NUL method text. iTXt:
 * keyword NUL flag method language NUL keyword NUL text. */
static bool open_text(const uint8_t *type, const uint8_t *data, size_t length, text *value)
{
    const uint8_t *end = data + length, *at = behind_nul(data, end);
    if (!at)
        return false;
    bool compressed = false;
    if (memcmp(type, "zTXt", 4) == 0) {
        if (end - at < 1 || at[0] != 0)
            return false;
        compressed = true;
        at += 1;
    } else if (memcmp(type, "iTXt", 4) == 0) {
        if (end - at < 2 || (at[0] != 0 && at[1] != 0))
            return false;
        compressed = at[0] != 0;
        at = behind_nul(at + 2, end);
        at = at ? behind_nul(at, end) : NULL;
        if (!at)
            return false;
    }
    *value = (text){at, (size_t)(end - at), compressed};
    return true;
}

static bool is_text(const uint8_t *type)
{
    return memcmp(type, "tEXt", 4) == 0 || memcmp(type, "zTXt", 4) == 0 || memcmp(type, "iTXt", 4) == 0;
}

static bool has_keyword(const uint8_t *data, size_t length, const char *keyword)
{
    const size_t size = strlen(keyword) + 1;
    return length >= size && memcmp(data, keyword, size) == 0;
}

/* Notes the chunk if it is one of those we want and its checksum fits. */
static void note_chunk(const uint8_t *chunk, size_t length, metadata *found)
{
    const uint8_t *type = chunk + 4, *data = chunk + 8;
    text value = {data, length, false};
    text *kept = NULL;
    if (memcmp(type, "eXIf", 4) == 0)
        kept = &found->exif;
    else if (is_text(type) && has_keyword(data, length, "Raw profile type exif"))
        kept = &found->raw_profile;
    else if (is_text(type) && has_keyword(data, length, "XML:com.adobe.xmp"))
        kept = &found->xmp;
    if (!kept || !vit__png_chunk_sound(chunk))
        return;
    if (kept == &found->exif || open_text(type, data, length, &value))
        *kept = value;
}

static metadata find_metadata(const vit__source *source)
{
    metadata found = {0};
    size_t at = 8;
    while (source->size - at >= CHUNK_OVERHEAD) {
        const uint8_t *chunk = source->bytes + at;
        const size_t length = vit__be32(chunk);
        if (length > source->size - at - CHUNK_OVERHEAD || memcmp(chunk + 4, "IEND", 4) == 0)
            break;
        note_chunk(chunk, length, &found);
        at += CHUNK_OVERHEAD + length;
    }
    return found;
}

/* ------------------------------------------------------------------ unpacking ---- */

typedef struct zlib_memory {
    bool failed;
} zlib_memory;

static voidpf allocate(voidpf opaque, uInt count, uInt size)
{
    zlib_memory *memory = opaque;
    void *block = calloc(count, size);
    if (!block)
        memory->failed = true;
    return block;
}

static void release(voidpf opaque, voidpf block)
{
    (void)opaque;
    free(block);
}

/* The text, or its beginning, into scratch (VIT__LIMIT_PNG_TEXT_BYTES bytes). False when out of memory. */
static bool unpack(text value, uint8_t *scratch, size_t *size)
{
    *size = 0;
    if (!value.compressed) {
        *size = value.size < VIT__LIMIT_PNG_TEXT_BYTES ? value.size : VIT__LIMIT_PNG_TEXT_BYTES;
        memcpy(scratch, value.bytes, *size);
        return true;
    }
    zlib_memory memory = {false};
    z_stream stream = {.zalloc = allocate, .zfree = release, .opaque = &memory};
    if (inflateInit(&stream) == Z_OK) {
        /* A chunk is shorter than 4 GiB. zlib does not write to its input; old headers lack the const. */
        stream.next_in = (Bytef *)(uintptr_t)value.bytes;
        stream.avail_in = (uInt)value.size;
        stream.next_out = scratch;
        stream.avail_out = (uInt)VIT__LIMIT_PNG_TEXT_BYTES;
        const int result = inflate(&stream, Z_SYNC_FLUSH);
        if (result == Z_OK || result == Z_STREAM_END)
            *size = VIT__LIMIT_PNG_TEXT_BYTES - stream.avail_out;
        inflateEnd(&stream);
    }
    return !memory.failed;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "\nexif\n    LENGTH\nHEX HEX...\n" to bytes, in place; returns how many. */
static size_t decode_profile(uint8_t *bytes, size_t size)
{
    size_t at = 0, written = 0;
    for (int lines = 0; lines < 3; lines++) {
        const uint8_t *end = memchr(bytes + at, '\n', size - at);
        if (!end)
            return 0;
        at = (size_t)(end - bytes) + 1;
    }
    while (at < size) {
        if (is_space(bytes[at])) {
            at++;
            continue;
        }
        const int high = hex_digit(bytes[at]), low = at + 1 < size ? hex_digit(bytes[at + 1]) : -1;
        if (high < 0 || low < 0)
            break;
        bytes[written++] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    return written;
}

/* ------------------------------------------------------------------ answering ---- */

static bool read_texts(const metadata *found, uint8_t *scratch, int *exif, int *xmp)
{
    size_t size;
    if (!found->exif.bytes && found->raw_profile.bytes) {
        if (!unpack(found->raw_profile, scratch, &size))
            return false;
        *exif = vit__exif_orientation(scratch, decode_profile(scratch, size));
    }
    if (*exif == 0 && found->xmp.bytes) {
        if (!unpack(found->xmp, scratch, &size))
            return false;
        *xmp = vit__xmp_orientation(scratch, size);
    }
    return true;
}

vit_status vit__png_orientation(const vit__source *source, int *orientation, vit_error *err)
{
    const metadata found = find_metadata(source);
    int exif = vit__exif_orientation(found.exif.bytes, found.exif.size), xmp = 0;
    if (found.raw_profile.bytes || found.xmp.bytes) {
        uint8_t *scratch = vit__alloc(VIT__LIMIT_PNG_TEXT_BYTES, 1);
        const bool read = scratch && read_texts(&found, scratch, &exif, &xmp);
        free(scratch);
        if (!read)
            return vit__fail_memory(err, source->name);
    }
    *orientation = vit__choose_orientation(exif, xmp);
    return VIT_OK;
}
