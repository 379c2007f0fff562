/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as what stands beside an array of vectors, for `vit fit` and for classes by the nearest pictures: the list
 * of rows, FILE.jsonl, and what made the vectors, FILE.meta.json. */
#include <stdlib.h>
#include <string.h>

#include "feature_table.h"
#include "fuzz.h"
#include "known.h"
#include "npy.h"

enum { ROWS = 2, COLUMNS = 3 };

static const cli_command command = {.name = "fuzz"};

static void write_array(void)
{
    static const float values[ROWS * COLUMNS] = {1, 0, 0, 0, 1, 0};
    char bytes[CLI_NPY_HEADER + sizeof values];
    cli_npy_header("<f4", (const size_t[]){ROWS, COLUMNS}, 2, bytes);
    memcpy(bytes + CLI_NPY_HEADER, values, sizeof values);
    scratch_write("v.npy", bytes, sizeof bytes);
}

static void read_features(void)
{
    cli_features features = {0};
    const cli_exit status = cli_features_open(scratch_path("v.npy"), &features);
    if (status != CLI_DONE && status != CLI_USAGE)
        abort();
    for (size_t row = 0; status == CLI_DONE && row < ROWS; row++)
        if (features.n != ROWS || features.width != COLUMNS || !features.paths[row])
            abort();
    cli_features_free(&features);
}

static void read_known(void)
{
    const cli_place place = {.place = scratch_path("v.npy")};
    cli_known known = {0};
    const cli_exit status = cli_known_read(&command, "--knn", &place, &known);
    if ((status != CLI_DONE && status != CLI_USAGE) || (status == CLI_DONE && known.n != ROWS))
        abort();
    cli_known_free(&known);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char rows[] = "{\"row\":0,\"path\":\"a.jpg\"}\n{\"row\":1,\"path\":\"b.jpg\"}\n";
    static int written;
    if (!written)
        write_array();
    written = 1;
    scratch_write("v.jsonl", bytes, size);
    scratch_write("v.meta.json", bytes, size);
    read_features();
    read_known();
    scratch_write("v.jsonl", rows, sizeof rows - 1);
    read_known();
    return 0;
}
