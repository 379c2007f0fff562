/* SPDX-License-Identifier: BSD-2-Clause */
#include "pgcopy.h"

#include <string.h>

#include "json_text.h"
#include "npy.h"

/* The lowest `size` bytes of value, highest first. */
static void add_number(cli_text *bytes, uint64_t value, size_t size)
{
    unsigned char at[8];
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(value >> (8 * (size - 1 - i)));
    cli_text_add(bytes, at, size);
}

void cli_pg_start(cli_text *bytes)
{
    static const char signature[] = "PGCOPY\n\xFF\r\n"; /* its terminator belongs to it */
    cli_text_add(bytes, signature, sizeof signature);
    add_number(bytes, 0, 4); /* flags */
    add_number(bytes, 0, 4); /* size of the header's extension */
}

void cli_pg_end(cli_text *bytes)
{
    add_number(bytes, 0xFFFF, 2); /* -1 fields */
}

void cli_pg_row(cli_text *bytes, uint16_t fields)
{
    add_number(bytes, fields, 2);
}

void cli_pg_null(cli_text *bytes)
{
    add_number(bytes, 0xFFFFFFFF, 4); /* a size of -1 */
}

void cli_pg_int64(cli_text *bytes, int64_t value)
{
    add_number(bytes, 8, 4);
    add_number(bytes, (uint64_t)value, 8);
}

void cli_pg_bytes(cli_text *bytes, const void *data, size_t size)
{
    add_number(bytes, size, 4);
    cli_text_add(bytes, data, size);
}

void cli_pg_text(cli_text *bytes, const char *string)
{
    cli_text valid = {0};
    cli_utf8(&valid, string);
    cli_pg_bytes(bytes, valid.data ? valid.data : "", valid.size);
    cli_text_free(&valid);
}

void cli_pg_vector(cli_text *bytes, const float *values, size_t n, bool half)
{
    add_number(bytes, 4 + n * (half ? 2 : 4), 4);
    add_number(bytes, n, 2); /* dimensions */
    add_number(bytes, 0, 2); /* unused */
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        add_number(bytes, half ? cli_half(values[i]) : bits, half ? 2 : 4);
    }
}
