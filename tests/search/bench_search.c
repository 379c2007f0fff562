/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a search takes in an index of many made-up vectors: bench_search INDEX.db ROWS COLUMNS
 * [SEARCHES] Makes the index if it is not there (a million rows of 384 take some minutes), then searches
 * it, warm, and prints the median and the best time. Nothing is checked here: tests do that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "store.h"
#include "talk.h"
#include "vit/pipeline.h"

#define SEARCHES_MAX 1000
#define ROWS_A_COMMIT 10000

static uint64_t seed = 1;

static void fill(float *vector, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        double sum = 0;
        for (int j = 0; j < 4; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            sum += (double)(seed >> 40) / (1 << 24) - 0.5;
        }
        vector[i] = (float)sum;
    }
    vit_to_unit_length(vector, columns);
}

static bool make(cli_store *store, size_t rows, size_t columns)
{
    char number[32], path[64];
    snprintf(number, sizeof number, "%zu", columns);
    cli_pin pin = {.values = {[CLI_PIN_DIMENSIONS] = number}};
    float *vector = malloc(columns * sizeof *vector);
    bool done = vector && store->kind->write_pin(store, &pin);
    for (size_t i = 0; i < rows && done; i++) {
        fill(vector, columns);
        snprintf(path, sizeof path, "photos/%03zu/%07zu.jpg", i / 1000, i);
        const cli_item item = {.path = path, .size = (int64_t)i, .time = (int64_t)i, .hash = path};
        done = (i % ROWS_A_COMMIT != 0 || store->kind->begin(store)) && store->kind->put(store, &item, vector) &&
               ((i + 1) % ROWS_A_COMMIT != 0 && i + 1 < rows ? true : store->kind->commit(store));
    }
    free(vector);
    return done && store->kind->finish(store);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bool measure(cli_store *store, size_t columns, size_t searches)
{
    static double seconds[SEARCHES_MAX];
    const cli_filter filter = {0};
    float *vector = malloc(columns * sizeof *vector);
    bool done = vector != NULL;
    seed = 77;
    for (size_t i = 0; i < searches && done; i++) {
        cli_hits hits = {0};
        fill(vector, columns);
        const cli_lookup lookup = {.vectors = vector, .n = 1, .columns = columns, .k = 10, .filter = &filter};
        double start = cli_seconds();
        done = store->kind->search(store, &lookup, &hits);
        seconds[i] = cli_seconds() - start;
        if (i == 0 && done)
            printf("first %.1f ms; best %s %.4f\n", 1e3 * seconds[0], hits.hits[0].path, hits.hits[0].score);
        cli_hits_free(&hits);
    }
    qsort(seconds, searches, sizeof *seconds, compare);
    printf("median %.1f ms, best %.1f ms of %zu searches\n", 1e3 * seconds[searches / 2], 1e3 * seconds[0], searches);
    free(vector);
    return done;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench_search INDEX.db ROWS COLUMNS [SEARCHES]\n");
        return 2;
    }
    const cli_store_options options = {.place = argv[1]};
    size_t columns = strtoul(argv[3], NULL, 10), searches = argc > 4 ? strtoul(argv[4], NULL, 10) : 20;
    cli_store *store = cli_store_open(&options, CLI_STORE_WRITE);
    cli_pin pin = {0};
    bool done = store && searches > 0 && searches <= SEARCHES_MAX && store->kind->read_pin(store, &pin);
    if (done && cli_pin_dimensions(&pin) == 0)
        done = make(store, strtoul(argv[2], NULL, 10), columns);
    done = done && measure(store, columns, searches);
    cli_pin_free(&pin);
    cli_store_close(store);
    return done ? 0 : 1;
}
