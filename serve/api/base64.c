/* SPDX-License-Identifier: BSD-2-Clause */
#include "base64.h"

#include <pthread.h>
#include <stdint.h>

/* 0 to 63; 64: padding; 65: white space; 66: anything else. */
static unsigned value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return c == '=' ? 64 : c == ' ' || c == '\n' || c == '\r' || c == '\t' ? 65 : 66;
}

/* 255: no digit. */
static unsigned char digits_of[256];

static void fill_digits(void)
{
    for (unsigned c = 0; c < 256; c++)
        digits_of[c] = (unsigned char)(value_of((unsigned char)c) < 64 ? value_of((unsigned char)c) : 255);
}

/* Whole groups of four digits, up to the first that is none. How many characters. */
static size_t decode_groups(const char *text, size_t size, unsigned char *bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const unsigned char *at = (const unsigned char *)text;
    size_t done = 0;
    pthread_once(&once, fill_digits);
    for (; size - done >= 4; done += 4, at += 4, bytes += 3) {
        unsigned a = digits_of[at[0]], b = digits_of[at[1]], c = digits_of[at[2]], d = digits_of[at[3]];
        if ((a | b | c | d) > 63)
            break;
        bytes[0] = (unsigned char)(a << 2 | b >> 4);
        bytes[1] = (unsigned char)(b << 4 | c >> 2);
        bytes[2] = (unsigned char)(c << 6 | d);
    }
    return done;
}

size_t serve_base64_decode(const char *text, size_t size, unsigned char *bytes)
{
    uint32_t bits = 0;
    size_t n = 0, digits = 0, padding = 0, i = 0;
    while (i < size) {
        if (digits % 4 == 0 && padding == 0) {
            size_t grouped = decode_groups(text + i, size - i, bytes + n);
            i += grouped;
            digits += grouped;
            n += grouped / 4 * 3;
        }
        if (i == size)
            break;
        unsigned value = value_of((unsigned char)text[i++]);
        if (value > 65 || (value < 64 && padding > 0))
            return SIZE_MAX;
        padding += value == 64;
        if (value >= 64)
            continue;
        bits = bits << 6 | value;
        if (++digits % 4 != 1)
            bytes[n++] = (unsigned char)(bits >> (6 - 2 * ((digits + 3) % 4)));
    }
    bool whole = digits % 4 != 1 && (padding == 0 || (digits + padding) % 4 == 0) && padding <= 2;
    return whole ? n : SIZE_MAX;
}
