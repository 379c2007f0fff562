/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of vectors that are near each other: all pairs are
 * compared, and whoever is near one of a group belongs to it. */
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "error.h"
#include "memory.h"
#include "nearest.h"
#include "pool.h"
#include "size.h"
#include "vit/index.h"

#define TILE 512        /* points against points in one product */
#define GEMM_ERROR 1e-7 /* of a product in f32, for each column */

typedef struct point_set {
    const float *vectors; /* [n][columns], length 1 */
    size_t n, columns;
} point_set;

/* All tiles of the upper triangle, of points or of some of them. */
typedef struct tiles {
    const point_set *points;
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
    const point_set *points = t->points;
    float *scores = t->scores + (size_t)thread * TILE * TILE;
    vit_products(points->vectors + row * TILE * points->columns, tile_size(t, row),
                 points->vectors + column * TILE * points->columns, tile_size(t, column), points->columns, scores);
    return scores;
}

static vit_status run(tiles *t, unsigned threads, vit__task *tile, vit_error *err)
{
    t->n = t->points->n;
    t->per_side = vit__divide_up(t->n, TILE);
    size_t n = t->per_side * (t->per_side + 1) / 2;
    threads = threads ? threads : vit__cpu_count();
    threads = n < 2 ? 1 : (unsigned)vit__smaller(threads, n);
    vit__pool *pool = NULL;
    vit_status status = vit__pool_create_if_possible(threads, &pool, err);
    threads = status == VIT_OK ? vit__pool_threads(pool) : threads;
    t->scores = status == VIT_OK ? vit__alloc((size_t)threads * TILE, TILE * sizeof *t->scores) : NULL;
    if (status == VIT_OK && !t->scores)
        status = vit__fail_memory(err, NULL);
    if (status == VIT_OK) {
        pthread_mutex_init(&t->lock, NULL);
        vit__pool_run(pool, n, tile, t);
        pthread_mutex_destroy(&t->lock);
    }
    vit__pool_free(pool);
    free(t->scores);
    return status;
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
    return vit__cosine(vectors + a * columns, vectors + b * columns, columns) >= t->threshold;
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

vit_status vit_groups_find(const float *vectors, size_t n, size_t columns, double threshold, unsigned threads,
                           size_t *group, vit_error *err)
{
    if ((n > 0 && !vectors) || !group)
        return vit__fail_null(err, __func__, group ? "vectors" : "group");
    const point_set all = {vectors, n, columns};
    for (size_t i = 0; i < n; i++)
        group[i] = i;
    tiles t = {.points = &all, .threshold = threshold, .parent = group};
    vit_status status = run(&t, threads, join_tile, err);
    for (size_t i = 0; i < n; i++)
        group[i] = find(group, i);
    return status;
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
    double exact = vit__cosine(t->points->vectors + a * columns, t->points->vectors + b * columns, columns);
    pthread_mutex_lock(&t->lock);
    t->least = exact < t->least ? exact : t->least;
    pthread_mutex_unlock(&t->lock);
}

vit_status vit_groups_least(const float *vectors, size_t columns, const size_t *members, size_t n, unsigned threads,
                            double *least, vit_error *err)
{
    if (!vectors || !members || !least)
        return vit__fail_null(err, __func__, !vectors ? "vectors" : members ? "least" : "members");
    size_t row;
    float *gathered = vit__multiply(columns, sizeof *gathered, &row) ? vit__alloc(n, row) : NULL;
    if (!gathered)
        return vit__fail_memory(err, NULL);
    for (size_t i = 0; i < n; i++)
        memcpy(gathered + i * columns, vectors + members[i] * columns, row);
    const point_set some = {gathered, n, columns};
    tiles t = {.points = &some, .least = INFINITY};
    vit_status status = run(&t, threads, least_of_tile, err);
    free(gathered);
    *least = t.least;
    return status;
}
