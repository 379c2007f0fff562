/* SPDX-License-Identifier: BSD-2-Clause */
#include "groups.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "parallel.h"
#include "text.h"
#include "vit/vit.h"

#define TILE 512        /* points against points in one product */
#define GEMM_ERROR 1e-7 /* of a product in f32, for each column */

/* All tiles of the upper triangle, of points or of some of them. */
typedef struct tiles {
    const cli_points *points;
    size_t n, per_side;
    float *scores; /* [threads][TILE][TILE] */
    pthread_mutex_t lock;
    /* of the work at hand */
    double threshold;
    size_t *parent;
    double least;
} tiles;

static size_t tile_size(const tiles *t, size_t tile)
{
    return t->n - tile * TILE < TILE ? t->n - tile * TILE : TILE;
}

/* Tile `index` of the triangle, row by row: row r has per_side - r of them. */
static void place(const tiles *t, size_t index, size_t *row, size_t *column)
{
    *row = 0;
    for (size_t width = t->per_side; index >= width; width--) {
        index -= width;
        ++*row;
    }
    *column = *row + index;
}

static float *multiply(const tiles *t, size_t row, size_t column, unsigned thread)
{
    const cli_points *points = t->points;
    float *scores = t->scores + (size_t)thread * TILE * TILE;
    vit_products(points->vectors + row * TILE * points->columns, tile_size(t, row),
                 points->vectors + column * TILE * points->columns, tile_size(t, column), points->columns, scores);
    return scores;
}

static void run(tiles *t, unsigned threads, void (*tile)(void *context, size_t index, unsigned thread))
{
    threads = cli_parallel_threads(threads);
    t->n = t->points->n;
    t->per_side = (t->n + TILE - 1) / TILE;
    t->scores = cli_allocate((size_t)threads * TILE, TILE * sizeof *t->scores);
    pthread_mutex_init(&t->lock, NULL);
    cli_parallel(threads, t->per_side * (t->per_side + 1) / 2, tile, t);
    pthread_mutex_destroy(&t->lock);
    free(t->scores);
}

/* ------------------------------------------------------------------ groups ---- */

static size_t find(size_t *parent, size_t point)
{
    while (parent[point] != point)
        point = parent[point] = parent[parent[point]];
    return point;
}

/* The smaller number leads. */
static void join(size_t *parent, size_t a, size_t b)
{
    a = find(parent, a);
    b = find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* Within the error of the product, double precision decides. */
static bool is_near(const tiles *t, size_t a, size_t b, float score)
{
    double error = GEMM_ERROR * (double)t->points->columns;
    if (fabs((double)score - t->threshold) > error)
        return (double)score > t->threshold;
    const float *vectors = t->points->vectors;
    size_t columns = t->points->columns;
    return cli_cosine(vectors + a * columns, vectors + b * columns, columns) >= t->threshold;
}

static void join_tile(void *context, size_t index, unsigned thread)
{
    tiles *t = context;
    size_t row, column;
    place(t, index, &row, &column);
    const float *scores = multiply(t, row, column, thread);
    size_t height = tile_size(t, row), width = tile_size(t, column);
    float enough = (float)(t->threshold - GEMM_ERROR * (double)t->points->columns);
    for (size_t i = 0; i < height; i++) {
        for (size_t j = row == column ? i + 1 : 0; j < width; j++) {
            size_t a = row * TILE + i, b = column * TILE + j;
            if (scores[i * width + j] < enough)
                continue;
            pthread_mutex_lock(&t->lock);
            if (find(t->parent, a) != find(t->parent, b) && is_near(t, a, b, scores[i * width + j]))
                join(t->parent, a, b);
            pthread_mutex_unlock(&t->lock);
        }
    }
}

void cli_groups_find(const cli_points *points, double threshold, unsigned threads, size_t *group)
{
    for (size_t i = 0; i < points->n; i++)
        group[i] = i;
    tiles t = {.points = points, .threshold = threshold, .parent = group};
    run(&t, threads, join_tile);
    for (size_t i = 0; i < points->n; i++)
        group[i] = find(group, i);
}

/* ------------------------------------------------------------------ how near a group is ---- */

static void least_of_tile(void *context, size_t index, unsigned thread)
{
    tiles *t = context;
    size_t row, column, columns = t->points->columns;
    place(t, index, &row, &column);
    const float *scores = multiply(t, row, column, thread);
    size_t height = tile_size(t, row), width = tile_size(t, column), a = 0, b = 0;
    float least = INFINITY;
    for (size_t i = 0; i < height; i++) {
        for (size_t j = row == column ? i + 1 : 0; j < width; j++) {
            if (scores[i * width + j] < least) {
                least = scores[i * width + j];
                a = row * TILE + i;
                b = column * TILE + j;
            }
        }
    }
    if (a == b)
        return; /* the last tile may be one point against itself */
    double exact = cli_cosine(t->points->vectors + a * columns, t->points->vectors + b * columns, columns);
    pthread_mutex_lock(&t->lock);
    t->least = exact < t->least ? exact : t->least;
    pthread_mutex_unlock(&t->lock);
}

double cli_groups_least(const cli_points *points, const size_t *members, size_t n, unsigned threads)
{
    size_t columns = points->columns;
    float *vectors = cli_allocate(n, columns * sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        memcpy(vectors + i * columns, points->vectors + members[i] * columns, columns * sizeof *vectors);
    const cli_points some = {vectors, n, columns};
    tiles t = {.points = &some, .least = INFINITY};
    run(&t, n > TILE ? threads : 1, least_of_tile);
    free(vectors);
    return t.least;
}
