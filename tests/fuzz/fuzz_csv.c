/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a table of labels, in memory and as a file: every field is a text inside the bytes, lines are counted,
 * and reading comes to an end. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "fuzz.h"

/* What the bytes are as a file, which may be UTF-16. */
static void read_table(const char *path)
{
    static const vit__file_kind kind = {.most = 1 << 20};
    cli_csv csv;
    vit_error err = {0};
    const vit_status status = cli_csv_open(&csv, path, &kind, &err);
    if (err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (status == VIT_OK && cli_csv_next(&csv)) {
        const size_t column = cli_csv_column(&csv, cli_csv_paths);
        if (column > csv.n || (column < csv.n && !*csv.fields[column]))
            abort();
    }
    cli_csv_free(&csv);
}

static void read_bytes(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return;
    memcpy(copy, bytes, size);
    copy[size] = 0;
    cli_csv csv;
    size_t records = 0, line = 0;
    cli_csv_start(&csv, copy, size);
    while (cli_csv_next(&csv)) {
        if (csv.n == 0 || csv.line <= line || ++records > size)
            abort();
        line = csv.line;
        for (size_t i = 0; i < csv.n; i++)
            if (csv.fields[i] < copy || csv.fields[i] + strlen(csv.fields[i]) > copy + size)
                abort();
    }
    if (csv.wrong && csv.line == 0)
        abort();
    cli_csv_free(&csv);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    read_bytes(bytes, size);
    scratch_write("table", bytes, size);
    read_table(scratch_path("table"));
    return 0;
}
