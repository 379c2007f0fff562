/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in files, in either byte order. The caller has checked that the bytes are there. */
#ifndef VIT_BYTES_H
#define VIT_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* A number of n bytes, 0 to 8, the lowest first. */
static inline uint64_t vit__le(const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    uint64_t number = 0;
    while (n-- > 0)
        number = number << 8 | b[n];
    return number;
}

static inline uint32_t vit__le16(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8;
}

static inline uint32_t vit__le24(const uint8_t *b)
{
    return vit__le16(b) | (uint32_t)b[2] << 16;
}

static inline uint32_t vit__le32(const uint8_t *b)
{
    return vit__le16(b) | vit__le16(b + 2) << 16;
}

static inline uint64_t vit__le64(const uint8_t *b)
{
    return vit__le32(b) | (uint64_t)vit__le32(b + 4) << 32;
}

static inline void vit__put_le64(uint8_t *b, uint64_t v)
{
    b[0] = (uint8_t)v, b[1] = (uint8_t)(v >> 8), b[2] = (uint8_t)(v >> 16), b[3] = (uint8_t)(v >> 24);
    b[4] = (uint8_t)(v >> 32), b[5] = (uint8_t)(v >> 40), b[6] = (uint8_t)(v >> 48), b[7] = (uint8_t)(v >> 56);
}

static inline uint32_t vit__be16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t vit__be32(const uint8_t *b)
{
    return vit__be16(b) << 16 | vit__be16(b + 2);
}

#endif
