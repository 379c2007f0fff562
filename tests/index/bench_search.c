/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a search takes in an index of many made-up vectors: bench_search INDEX.db ROWS COLUMNS
 * [SEARCHES] Makes the index if it is not there (a million rows of 384 take some minutes), then searches
 * it, warm, and prints the median and the best time. Nothing is checked here: tests do that. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vit/index.h"

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

static bool make(vit_index *index, size_t rows, size_t columns)
{
    char number[32], path[64];
    snprintf(number, sizeof number, "%zu", columns);
    const vit_index_pin pin = {.recipe.values = {[VIT_RECIPE_DIMENSIONS] = number}};
    float *vector = malloc(columns * sizeof *vector);
    bool done = vector && vit_index_write_pin(index, &pin, NULL) == VIT_OK;
    for (size_t i = 0; i < rows && done; i++) {
        fill(vector, columns);
        snprintf(path, sizeof path, "photos/%03zu/%07zu.jpg", i / 1000, i);
        const vit_index_item item = {.path = path, .size = (int64_t)i, .time = (int64_t)i, .hash = path};
        bool last = (i + 1) % ROWS_A_COMMIT == 0 || i + 1 == rows;
        done = (i % ROWS_A_COMMIT != 0 || vit_index_begin(index, NULL) == VIT_OK) &&
               vit_index_put(index, &item, vector, NULL) == VIT_OK &&
               (!last || vit_index_commit(index, NULL) == VIT_OK);
    }
    free(vector);
    return done && vit_index_finish(index, NULL) == VIT_OK;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bool measure(vit_index *index, size_t columns, size_t searches)
{
    static double seconds[SEARCHES_MAX];
    float *vector = malloc(columns * sizeof *vector);
    bool done = vector != NULL;
    seed = 77;
    for (size_t i = 0; i < searches && done; i++) {
        vit_index_hits hits = {0};
        fill(vector, columns);
        const vit_index_query query = {.vectors = vector, .n = 1, .k = 10};
        double start = seconds_now();
        done = vit_index_search(index, &query, &hits, NULL) == VIT_OK;
        seconds[i] = seconds_now() - start;
        if (i == 0 && done)
            printf("first %.1f ms; best %s %.4f\n", 1e3 * seconds[0], hits.hits[0].path, hits.hits[0].score);
        vit_index_hits_free(&hits);
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
    const vit_index_options options = {.mode = VIT_INDEX_WRITE};
    size_t columns = strtoul(argv[3], NULL, 10), searches = argc > 4 ? strtoul(argv[4], NULL, 10) : 20;
    vit_index *index;
    vit_error err = {0};
    if (vit_index_open(argv[1], &options, &index, &err) != VIT_OK) {
        fprintf(stderr, "%s: %s\n", err.where, err.message);
        return 1;
    }
    bool done = searches > 0 && searches <= SEARCHES_MAX;
    if (done && vit_index_columns(index) == 0)
        done = make(index, strtoul(argv[2], NULL, 10), columns);
    done = done && measure(index, columns, searches);
    vit_index_free(index);
    return done ? 0 : 1;
}
