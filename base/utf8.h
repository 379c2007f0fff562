/* SPDX-License-Identifier: BSD-2-Clause */
/* Code points of UTF-8. But for vit__utf8_valid_length the text was checked before (in text/ by vit__unicode_check);
 * on other bytes the functions stay inside the text. */
#ifndef VIT_UTF8_H
#define VIT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed sequence at `at`, or 0: "\xC3\xA9" gives 2, "\xC3x" gives 0. The text is terminated. */
size_t vit__utf8_valid_length(const unsigned char *at);

/* Is all of the terminated text well formed? */
bool vit__utf8_is_valid(const char *text);

/* Bytes of the character that starts with this byte. */
static inline size_t vit__utf8_length(char first)
{
    unsigned char byte = (unsigned char)first;
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/* Code point at *at (which must be below size); moves *at past it. */
static inline uint32_t vit__utf8_next(const char *text, size_t size, size_t *at)
{
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t length = vit__utf8_length(text[*at]);
    if (length > size - *at)
        length = size - *at;
    uint32_t c = (unsigned char)text[*at] & mask[length];
    for (size_t i = 1; i < length; i++)
        c = c << 6 | ((unsigned char)text[*at + i] & 0x3F);
    *at += length;
    return c;
}

/* Code point at `at`, without moving. */
static inline uint32_t vit__utf8_peek(const char *text, size_t size, size_t at)
{
    return vit__utf8_next(text, size, &at);
}

/* Start of the character before `at`, which must be above 0. */
static inline size_t vit__utf8_before(const char *text, size_t at)
{
    at--;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* Writes up to 4 bytes, answers how many. */
static inline size_t vit__utf8_encode(uint32_t c, char bytes[4])
{
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)(lead[length] | c);
    return length;
}

#endif
