/* SPDX-License-Identifier: BSD-2-Clause */
#include "pgcopy.h"

#include <string.h>

#include "half.h"
#include "utf8.h"

/* The lowest `size` bytes of value, highest first. */
static void add_number(vit__buffer *bytes, uint64_t value, size_t size)
{
    unsigned char at[8];
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
    vit__buffer_add(bytes, at, size);
}

void vit__pg_start(vit__buffer *bytes)
{
    static const char signature[] = "PGCOPY\n\xFF\r\n"; /* its terminator belongs to it */
    vit__buffer_add(bytes, signature, sizeof signature);
    add_number(bytes, 0, 4); /* flags */
    add_number(bytes, 0, 4); /* size of the header's extension */
}

void vit__pg_end(vit__buffer *bytes)
{
    add_number(bytes, 0xFFFF, 2); /* -1 fields */
}

void vit__pg_row(vit__buffer *bytes, uint16_t fields)
{
    add_number(bytes, fields, 2);
}

void vit__pg_null(vit__buffer *bytes)
{
    add_number(bytes, 0xFFFFFFFF, 4); /* a size of -1 */
}

void vit__pg_int64(vit__buffer *bytes, int64_t value)
{
    add_number(bytes, 8, 4);
    add_number(bytes, (uint64_t)value, 8);
}

void vit__pg_bytes(vit__buffer *bytes, const void *data, size_t size)
{
    add_number(bytes, size, 4);
    vit__buffer_add(bytes, data, size);
}

void vit__pg_utf8(vit__buffer *text, const char *string)
{
    for (const unsigned char *at = (const unsigned char *)string; *at;) {
        size_t length = vit__utf8_valid_length(at);
        if (length)
            vit__buffer_add(text, at, length);
        else
            vit__buffer_format(text, "\\u%04x", 0xDC00u + *at);
        at += length ? length : 1;
    }
}

void vit__pg_text(vit__buffer *bytes, const char *string)
{
    vit__buffer valid = {0};
    vit__pg_utf8(&valid, string);
    vit__pg_bytes(bytes, valid.data, valid.size);
    bytes->failed = bytes->failed || valid.failed;
    vit__buffer_free(&valid);
}

void vit__pg_vector(vit__buffer *bytes, const float *values, size_t n, bool half)
{
    add_number(bytes, 4 + n * (half ? 2 : 4), 4);
    add_number(bytes, n, 2); /* dimensions */
    add_number(bytes, 0, 2); /* unused */
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        add_number(bytes, half ? vit__half(values[i]) : bits, half ? 2 : 4);
    }
}
