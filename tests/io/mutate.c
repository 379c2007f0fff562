/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutate.h"

#include <string.h>

#include <zlib.h>

#include "bytes.h"
#include "random.h"

#define MAX_CHANGES 6u

static void write32(uint8_t *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void seal_chunk(uint8_t *chunk, uint32_t length)
{
    write32(chunk + 8 + length, (uint32_t)crc32(0, chunk + 4, length + 4));
}

static void seal_png(uint8_t *bytes, size_t size)
{
    if (size < 8 || memcmp(bytes, "\x89PNG", 4) != 0)
        return;
    for (size_t at = 8; size - at >= 12;) {
        const uint32_t length = vit__be32(bytes + at);
        if (length > size - at - 12)
            return;
        seal_chunk(bytes + at, length);
        at += 12 + (size_t)length;
    }
}

void png_header_resize(uint8_t *bytes, uint32_t width, uint32_t height)
{
    write32(bytes + 16, width);
    write32(bytes + 20, height);
    seal_chunk(bytes + 8, 13);
}

/* One byte: a bit flipped, any value, or one of those that mean something to many formats. */
static uint8_t changed(uint8_t byte, uint64_t *state)
{
    static const uint8_t special[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xd8, 0xd9, 0xda, 0xc2, 0xc4};
    const uint64_t r = random_next(state);
    if (r % 3 == 0)
        return (uint8_t)(byte ^ (1u << (r >> 8) % 8));
    if (r % 3 == 1)
        return (uint8_t)(r >> 8);
    return special[(r >> 8) % sizeof special];
}

size_t mutate(const uint8_t *bytes, size_t size, uint8_t *copy, uint64_t *state)
{
    if (size == 0)
        return 0;
    memcpy(copy, bytes, size);
    for (uint64_t changes = 1 + random_next(state) % MAX_CHANGES; changes > 0; changes--) {
        /* Half of them near the start, where the headers are. */
        const size_t within = random_next(state) % 2 && size > 100 ? 100 : size;
        const size_t at = random_next(state) % within;
        copy[at] = changed(copy[at], state);
    }
    if (random_next(state) % 4 != 0)
        seal_png(copy, size);
    if (random_next(state) % 8 == 0)
        size = random_next(state) % size;
    return size;
}
