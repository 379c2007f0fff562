/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as what stands beside an array of vectors, for `vit fit` and for classes by the nearest pictures: the list
 * of rows, FILE.jsonl, and what made the vectors, FILE.meta.json. And as a text in an index that such pictures are
 * taken from. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feature_table.h"
#include "fuzz.h"
#include "known.h"
#include "npy.h"
#include "vit/index.h"

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

/* From a place with so many pictures. */
static void read_known(const char *name, size_t n)
{
    const cli_place place = {.place = scratch_path(name)};
    cli_known known = {0};
    const cli_exit status = cli_known_read(&command, "--knn", &place, &known);
    if ((status != CLI_DONE && status != CLI_USAGE) || (status == CLI_DONE && known.n != n))
        abort();
    for (size_t i = 0; status == CLI_DONE && i < n; i++) {
        unsigned char has = 0;
        vit_error err = {0};
        if (cli_known_has_content(&known.pictures[i], "a digest", ROWS, &has, &err) == VIT_OK && has > 1)
            abort();
    }
    cli_known_free(&known);
}

/* Path, digest and caption of one image are the text, those of the other are not. false: it takes no such text. */
static bool write_index(const char *text)
{
    static const vit_index_pin pin = {
        .recipe.values = {[VIT_RECIPE_MODEL_DIGEST] = (char *)"abc", [VIT_RECIPE_DIMENSIONS] = (char *)"3"}};
    static const float vector[COLUMNS] = {1};
    const vit_index_options options = {.mode = VIT_INDEX_WRITE, .threads = 1};
    const vit_index_item items[ROWS] = {{.path = scratch_path("v.jsonl"), .hash = ""},
                                        {.path = text, .hash = text, .caption = text}};
    vit_index *index = NULL;
    scratch_remove("photos.db");
    scratch_remove("photos.db-vectors");
    if (vit_index_open(scratch_path("photos.db"), &options, &index, NULL) != VIT_OK ||
        vit_index_write_pin(index, &pin, NULL) != VIT_OK || vit_index_begin(index, NULL) != VIT_OK)
        abort();
    bool done = true;
    for (size_t i = 0; i < ROWS && done; i++)
        done = vit_index_put(index, &items[i], vector, NULL) == VIT_OK;
    if (done && vit_index_commit(index, NULL) != VIT_OK)
        abort();
    vit_index_free(index);
    return done;
}

static void read_index(const uint8_t *bytes, size_t size)
{
    char text[65];
    snprintf(text, sizeof text, "%.*s", (int)(size < 64 ? size : 64), (const char *)bytes);
    if (KEEPS_INDEXES && write_index(text))
        read_known("photos.db", ROWS);
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
    read_known("v.npy", ROWS);
    read_index(bytes, size);
    scratch_write("v.jsonl", rows, sizeof rows - 1);
    read_known("v.npy", ROWS);
    return 0;
}
