/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the vectors beside an index, and one more vector behind them. The header's sum, which no mutation would
 * hit, is put right first. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "vector_file.h"

#define HEADER_BYTES 56 /* magic, index, columns, rows, last id, error, sum: 8 bytes each */
#define COLUMNS_MOST 4096

static uint64_t number_at(const uint8_t *bytes, size_t index)
{
    uint64_t number;
    memcpy(&number, bytes + 8 * index, sizeof number);
    return number;
}

static void seal(uint8_t *header)
{
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a, as in vector_file.c */
    for (size_t i = 0; i < HEADER_BYTES - 8; i++)
        sum = (sum ^ header[i]) * 0x100000001b3u;
    memcpy(header + HEADER_BYTES - 8, &sum, sizeof sum);
}

/* How many there are. */
static size_t read_rows(const vit__vector_file_key *key)
{
    vit__vector_file file;
    vit__vector_file_open(scratch_path("fuzz-vectors"), key, &file);
    if (file.rows.columns != key->columns || file.rows.bytes)
        abort();
    const off_t end = (off_t)(file.rows.start + file.rows.n * file.rows.row_size);
    char last;
    if (file.rows.n > 0 && pread(file.rows.descriptor, &last, 1, end - 1) != 1)
        abort();
    const size_t n = file.rows.n;
    vit__vector_file_close(&file);
    return n;
}

static void append_row(const vit__vector_file_key *key, size_t n)
{
    static const float vector[COLUMNS_MOST] = {1};
    vit__vector_appender *appender = vit__vector_append_start(scratch_path("fuzz-vectors"), key, false);
    if (!appender)
        abort();
    const int64_t last = vit__vector_append_last_id(appender);
    const bool keep = last < INT64_MAX;
    if (keep && !vit__vector_append(appender, last + 1, vector))
        abort();
    if (vit__vector_append_end(appender, keep) != keep || read_rows(key) != n + keep)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < HEADER_BYTES)
        return 0;
    const vit__vector_file_key key = {number_at(bytes, 1), (size_t)number_at(bytes, 2)};
    if (key.columns == 0 || key.columns > COLUMNS_MOST)
        return 0;
    uint8_t *sealed = malloc(size);
    if (!sealed)
        return 0;
    memcpy(sealed, bytes, size);
    seal(sealed);
    scratch_write("fuzz-vectors", sealed, size);
    free(sealed);
    append_row(&key, read_rows(&key));
    if (vit__vector_append_start(scratch_path("no-folder/fuzz-vectors"), &key, false))
        abort();
    return 0;
}
