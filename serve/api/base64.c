/* SPDX-License-Identifier: BSD-2-Clause */
#include "base64.h"

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

size_t serve_base64_decode(const char *text, size_t size, unsigned char *bytes)
{
    uint32_t bits = 0;
    size_t n = 0, digits = 0, padding = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned value = value_of((unsigned char)text[i]);
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
