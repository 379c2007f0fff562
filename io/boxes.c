/* SPDX-License-Identifier: BSD-2-Clause */
#include "boxes.h"

#include <string.h>

#include "bytes.h"

#define HEADER 8u
#define LONG_HEADER 16u

/* The length counts the header. 0: to the end; 1: the length is a number of 64 bits behind the type. */
bool vit__box_next(vit__box *rest, vit__box *box)
{
    if (rest->size < HEADER)
        return false;
    const uint8_t *b = rest->bytes;
    uint64_t length = vit__be32(b);
    size_t header = HEADER;
    if (length == 1) {
        if (rest->size < LONG_HEADER)
            return false;
        length = (uint64_t)vit__be32(b + 8) << 32 | vit__be32(b + 12);
        header = LONG_HEADER;
    }
    if (length == 0)
        length = rest->size;
    if (length < header || length > rest->size)
        return false;
    memcpy(box->type, b + 4, sizeof box->type);
    box->bytes = b + header;
    box->size = (size_t)length - header;
    rest->bytes += length;
    rest->size -= (size_t)length;
    return true;
}

bool vit__box_find(vit__box in, const char *type, vit__box *box)
{
    while (vit__box_next(&in, box))
        if (memcmp(box->type, type, sizeof box->type) == 0)
            return true;
    return false;
}

static bool is_among(const uint8_t *brand, const char *brands)
{
    for (; *brands; brands += 4)
        if (memcmp(brand, brands, 4) == 0)
            return true;
    return false;
}

/* The major brand, a version, and brands that the file is compatible with. */
bool vit__has_brand(const vit__source *source, const char *brands)
{
    vit__box rest = {.bytes = source->bytes, .size = source->size}, box;
    if (!vit__box_next(&rest, &box) || memcmp(box.type, "ftyp", 4) != 0 || box.size < 4)
        return false;
    bool found = is_among(box.bytes, brands);
    for (size_t at = 8; at + 4 <= box.size && !found; at += 4)
        found = is_among(box.bytes + at, brands);
    return found;
}
