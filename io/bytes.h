/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in files, in either byte order. The caller has checked that the bytes are there. */
#ifndef VIT_BYTES_H
#define VIT_BYTES_H

#include <stdint.h>

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

static inline uint32_t vit__be16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t vit__be32(const uint8_t *b)
{
    return vit__be16(b) << 16 | vit__be16(b + 2);
}

#endif
