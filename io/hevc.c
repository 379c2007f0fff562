/* SPDX-License-Identifier: BSD-2-Clause */
#include "hevc.h"

#define UNIT_HEADER 2u
#define FIRST_INTRA 16u
#define LAST_INTRA 21u
#define LAST_SLICE 31u
#define SEQUENCE_PARAMETERS 33u

#define PROFILE_BITS 88u
#define LEVEL_BITS 8u

/* Bits of a unit. A 3 behind two zeros was put there only so that no mark of a start occurs (7.3.1.1). */
typedef struct bits {
    const uint8_t *bytes;
    size_t size, at;
    unsigned left; /* of bytes[at] */
    unsigned zeros;
    bool failed;
} bits;

static unsigned take_bit(bits *b)
{
    if (b->left == 0) {
        b->zeros = b->bytes[b->at] == 0 ? b->zeros + 1 : 0;
        b->at++;
        if (b->zeros >= 2 && b->at < b->size && b->bytes[b->at] == 3) {
            b->at++;
            b->zeros = 0;
        }
        b->left = 8;
    }
    if (b->at >= b->size) {
        b->failed = true;
        b->left = 8;
        b->at = b->size ? b->size - 1 : 0;
        return 1;
    }
    return b->bytes[b->at] >> --b->left & 1u;
}

static uint32_t take_bits(bits *b, unsigned count)
{
    uint32_t v = 0;
    while (count-- > 0)
        v = v << 1 | take_bit(b);
    return v;
}

/* Exp-Golomb: so many zeros, a one, and as many bits as there were zeros. */
static uint64_t take_number(bits *b)
{
    unsigned zeros = 0;
    while (take_bit(b) == 0)
        if (++zeros > 32) {
            b->failed = true;
            return 0;
        }
    uint64_t v = 1;
    while (zeros-- > 0)
        v = v << 1 | take_bit(b);
    return v - 1;
}

vit__hevc_kind vit__hevc_kind_of(const uint8_t *unit)
{
    const unsigned type = unit[0] >> 1 & 63;
    if (type == SEQUENCE_PARAMETERS)
        return VIT_HEVC_SIZE;
    if (type > LAST_SLICE)
        return VIT_HEVC_REST;
    if (type < FIRST_INTRA || type > LAST_INTRA)
        return VIT_HEVC_OTHER_SLICE;
    return unit[UNIT_HEADER] & 0x80 ? VIT_HEVC_FIRST_SLICE : VIT_HEVC_SLICE;
}

/* 7.3.2.2.1, up to the size. */
bool vit__hevc_size(const uint8_t *unit, size_t size, uint64_t dimensions[2])
{
    if (size <= UNIT_HEADER)
        return false;
    bits b = {.bytes = unit + UNIT_HEADER, .size = size - UNIT_HEADER, .left = 8};
    take_bits(&b, 4);
    const unsigned layers = take_bits(&b, 3);
    take_bits(&b, 1);
    bool has_profile[8] = {false}, has_level[8] = {false};
    take_bits(&b, PROFILE_BITS + LEVEL_BITS);
    for (unsigned i = 0; i < layers; i++) {
        has_profile[i] = take_bits(&b, 1);
        has_level[i] = take_bits(&b, 1);
    }
    if (layers > 0)
        take_bits(&b, 2 * (8 - layers));
    for (unsigned i = 0; i < layers; i++)
        take_bits(&b, (has_profile[i] ? PROFILE_BITS : 0) + (has_level[i] ? LEVEL_BITS : 0));
    take_number(&b);
    if (take_number(&b) == 3)
        take_bits(&b, 1);
    dimensions[0] = take_number(&b);
    dimensions[1] = take_number(&b);
    return !b.failed && dimensions[0] > 0 && dimensions[1] > 0;
}
