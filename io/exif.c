/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads as Pillow does: only IFD0 counts, the first usable orientation tag in it wins, SHORT or LONG. */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112u
#define ENTRY_SIZE 12u

enum { TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_LAST = 13 };

/* Bytes of one value of a TIFF type; 0 = no such type. */
static const uint8_t type_sizes[TYPE_LAST + 1] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};

typedef struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
} tiff;

static bool has(const tiff *t, size_t offset, size_t length)
{
    return offset <= t->size && length <= t->size - offset;
}

/* The caller has checked that the two (four) bytes are there. */
static uint32_t read16(const tiff *t, size_t offset)
{
    uint32_t a = t->bytes[offset], b = t->bytes[offset + 1];
    return t->big_endian ? a << 8 | b : b << 8 | a;
}

static uint32_t read32(const tiff *t, size_t offset)
{
    uint32_t a = read16(t, offset), b = read16(t, offset + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

static int meaningful(uint32_t orientation)
{
    return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
}

/* The orientation in the entry at offset, or 0 if it holds no value that can be read. */
static int entry_orientation(const tiff *t, size_t offset)
{
    uint32_t type = read16(t, offset + 2), count = read32(t, offset + 4);
    if (type > TYPE_LAST || type_sizes[type] == 0 || count == 0)
        return 0;
    uint64_t length = (uint64_t)count * type_sizes[type];
    size_t value = offset + 8;
    if (length > 4) {
        value = read32(t, offset + 8);
        if (length > t->size || !has(t, value, (size_t)length))
            return 0;
    }
    if (type == TYPE_SHORT)
        return meaningful(read16(t, value));
    if (type == TYPE_LONG)
        return meaningful(read32(t, value));
    return 1;
}

/* The header: "II" or "MM" and 42, which Pillow takes in either byte order. */
static bool open_tiff(const uint8_t *bytes, size_t size, tiff *t)
{
    while (size >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0)
        bytes += 6, size -= 6;
    *t = (tiff){bytes, size, size > 0 && bytes[0] == 'M'};
    if (size < 8 || bytes[0] != bytes[1] || (bytes[0] != 'M' && bytes[0] != 'I'))
        return false;
    return (bytes[2] == 0 && bytes[3] == 42) || (bytes[2] == 42 && bytes[3] == 0);
}

int vit__exif_orientation(const uint8_t *bytes, size_t size)
{
    tiff t;
    if (!open_tiff(bytes, size, &t))
        return 0;
    size_t directory = read32(&t, 4);
    if (!has(&t, directory, 2))
        return 0;
    /* A directory that is cut short still counts as far as it goes. */
    uint32_t entries = read16(&t, directory);
    for (uint32_t i = 0; i < entries; i++) {
        size_t offset = directory + 2 + (size_t)i * ENTRY_SIZE;
        if (!has(&t, offset, ENTRY_SIZE))
            return 0;
        if (read16(&t, offset) != TAG_ORIENTATION)
            continue;
        int orientation = entry_orientation(&t, offset);
        if (orientation != 0)
            return orientation;
    }
    return 0;
}

/* As the regular expression tiff:Orientation(="|>)([0-9]), first match. */
int vit__xmp_orientation(const uint8_t *text, size_t size)
{
    static const char key[] = "tiff:Orientation";
    const size_t length = sizeof key - 1;
    if (size <= length)
        return 0;
    const uint8_t *end = text + size;
    while ((size_t)(end - text) > length) {
        const uint8_t *found = memchr(text, 't', (size_t)(end - text) - length);
        if (!found)
            return 0;
        text = found + 1;
        if (memcmp(found, key, length) != 0)
            continue;
        const uint8_t *value = found + length;
        if (end - value >= 2 && value[0] == '>')
            value += 1;
        else if (end - value >= 3 && value[0] == '=' && value[1] == '"')
            value += 2;
        else
            continue;
        if (*value >= '0' && *value <= '9')
            return meaningful((uint32_t)(*value - '0'));
    }
    return 0;
}

int vit__choose_orientation(int exif, int xmp)
{
    if (exif != 0)
        return exif;
    return xmp != 0 ? xmp : 1;
}
