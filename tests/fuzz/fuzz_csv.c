/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a table of labels: every field is a text inside the bytes, lines are counted, and reading comes to an
 * end. */
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
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
    return 0;
}
