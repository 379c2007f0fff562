/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of vectors that are near each other: all pairs that differ are
 * compared, and whoever is near one of a group belongs to it. */
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "distinct_rows.h"
#include "error.h"
#include "memory.h"
#include "nearest.h"
#include "pool.h"
#include "size.h"
#include "vit/index.h"

#define TILE 512        /* points against points in one product */
#define GEMM_ERROR 1e-7 /* of a product in f32, for each column */

/* Some of the vectors, none of which is another's copy. */
typedef struct point_set {
    const float *vectors; /* length 1 */
    const size_t *rows;   /* [n], the number of each point's vector */
    size_t n, columns;
} point_set;

/* What a thread works in. */
typedef struct desk {
    float *scores;    /* [TILE][TILE] */
    float *points[2]; /* [TILE][columns] each: where the vectors of a tile do not stand together */
    /* Sets of points of the tile that are known to be in one group: first those of the row, then of the column. */
    uint16_t parent[2 * TILE];
} desk;

/* All tiles of the upper triangle. */
typedef struct tiles {
    point_set points;
    size_t per_side;
    desk *desks; /* of each thread */
    pthread_mutex_t lock;
    /* of the work at hand */
    double threshold;
    size_t *parent; /* [points.n] */
    double least;
} tiles;

static size_t tile_size(const tiles *t, size_t tile)
{
    return vit__smaller(t->points.n - tile * TILE, TILE);
}

static const float *vector_of(const tiles *t, size_t point)
{
    return t->points.vectors + t->points.rows[point] * t->points.columns;
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

/* The vectors of a tile, one behind the other. */
static const float *points_of(const tiles *t, size_t tile, float *room)
{
    const size_t first = tile * TILE, n = tile_size(t, tile), columns = t->points.columns;
    size_t together = 1;
    while (together < n && t->points.rows[first + together] == t->points.rows[first] + together)
        together++;
    if (together == n)
        return vector_of(t, first);
    for (size_t i = 0; i < n; i++)
        memcpy(room + i * columns, vector_of(t, first + i), columns * sizeof *room);
    return room;
}

static const float *multiply(const tiles *t, size_t row, size_t column, const desk *d)
{
    const float *a = points_of(t, row, d->points[0]);
    const float *b = row == column ? a : points_of(t, column, d->points[1]);
    vit_products(a, tile_size(t, row), b, tile_size(t, column), t->points.columns, d->scores);
    return d->scores;
}

static bool make_desk(const tiles *t, desk *d)
{
    size_t columns = t->points.columns, row;
    d->scores = vit__alloc(TILE, TILE * sizeof *d->scores);
    for (size_t i = 0; i < 2; i++)
        d->points[i] = vit__multiply(columns, sizeof(float), &row) ? vit__alloc(TILE, row) : NULL;
    return d->scores && d->points[0] && d->points[1];
}

static void free_desks(desk *desks, unsigned threads)
{
    for (unsigned i = 0; desks && i < threads; i++) {
        free(desks[i].scores);
        free(desks[i].points[0]);
        free(desks[i].points[1]);
    }
    free(desks);
}

static vit_status run(tiles *t, unsigned threads, vit__task *tile, vit_error *err)
{
    t->per_side = vit__divide_up(t->points.n, TILE);
    size_t n = t->per_side * (t->per_side + 1) / 2;
    threads = threads ? threads : vit__cpu_count();
    threads = n < 2 ? 1 : (unsigned)vit__smaller(threads, n);
    vit__pool *pool = NULL;
    vit_status status = vit__pool_create_if_possible(threads, &pool, err);
    threads = status == VIT_OK ? vit__pool_threads(pool) : threads;
    t->desks = status == VIT_OK ? vit__alloc_zero(threads, sizeof *t->desks) : NULL;
    bool made = t->desks;
    for (unsigned i = 0; i < threads && made; i++)
        made = make_desk(t, &t->desks[i]);
    if (status == VIT_OK && !made)
        status = vit__fail_memory(err, NULL);
    if (status == VIT_OK) {
        pthread_mutex_init(&t->lock, NULL);
        vit__pool_run(pool, n, tile, t);
        pthread_mutex_destroy(&t->lock);
    }
    vit__pool_free(pool);
    free_desks(t->desks, threads);
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
    double error = GEMM_ERROR * (double)t->points.columns;
    if (fabs((double)score - t->threshold) > error)
        return (double)score > t->threshold;
    return vit__cosine(vector_of(t, a), vector_of(t, b), t->points.columns) >= t->threshold;
}

static uint16_t find_here(uint16_t *parent, uint16_t point)
{
    while (parent[point] != point)
        point = parent[point] = parent[parent[point]];
    return point;
}

/* Are all points of the tile in one group already? Then there is nothing to find in it. */
static bool is_settled(tiles *t, size_t row, size_t column)
{
    const size_t height = tile_size(t, row), width = tile_size(t, column);
    bool settled = true;
    pthread_mutex_lock(&t->lock);
    const size_t first = find(t->parent, row * TILE);
    for (size_t i = 1; i < height && settled; i++)
        settled = find(t->parent, row * TILE + i) == first;
    for (size_t i = 0; i < width && settled; i++)
        settled = find(t->parent, column * TILE + i) == first;
    pthread_mutex_unlock(&t->lock);
    return settled;
}

/* Of the two points; whether they are in one group now. */
static bool join_points(tiles *t, size_t a, size_t b, float score)
{
    pthread_mutex_lock(&t->lock);
    bool joined = find(t->parent, a) == find(t->parent, b);
    if (!joined && is_near(t, a, b, score)) {
        join(t->parent, a, b);
        joined = true;
    }
    pthread_mutex_unlock(&t->lock);
    return joined;
}

/* Pairs that the tile itself shows to be in one group cost no lock: in a group of 50,000 nearly every pair is near. */
static void join_tile(void *context, size_t index, unsigned thread)
{
    tiles *t = context;
    desk *d = &t->desks[thread];
    size_t row, column;
    place(t, index, &row, &column);
    if (is_settled(t, row, column))
        return;
    const float *scores = multiply(t, row, column, d);
    const size_t height = tile_size(t, row), width = tile_size(t, column), offset = row == column ? 0 : TILE;
    const float enough = (float)(t->threshold - GEMM_ERROR * (double)t->points.columns);
    for (size_t i = 0; i < 2 * TILE; i++)
        d->parent[i] = (uint16_t)i;
    for (size_t i = 0; i < height; i++) {
        for (size_t j = row == column ? i + 1 : 0; j < width; j++) {
            if (scores[i * width + j] < enough)
                continue;
            uint16_t a = find_here(d->parent, (uint16_t)i), b = find_here(d->parent, (uint16_t)(offset + j));
            if (a != b && join_points(t, row * TILE + i, column * TILE + j, scores[i * width + j]))
                d->parent[b] = a;
        }
    }
}

/* From the groups of the kinds to those of all vectors. Copies of a vector are near each other, unless rounding has
 * made their cosine less than the threshold; what is near one copy is near all of them. */
static void spread(const tiles *t, const vit__distinct_rows *distinct, size_t n, bool *joined, size_t *group)
{
    for (size_t k = 0; k < distinct->n; k++) {
        const float *vector = vector_of(t, k);
        joined[k] = joined[k] || vit__cosine(vector, vector, t->points.columns) >= t->threshold;
    }
    for (size_t i = 0; i < n; i++) {
        size_t kind = distinct->kind[i];
        group[i] = joined[kind] ? distinct->first[find(t->parent, kind)] : i;
    }
}

static vit_status find_groups(tiles *t, const vit__distinct_rows *distinct, size_t n, unsigned threads, size_t *group,
                              vit_error *err)
{
    bool *joined = vit__alloc_zero(distinct->n, sizeof *joined); /* is a kind in a group with another one? */
    t->parent = vit__alloc(distinct->n, sizeof *t->parent);
    if (!joined || !t->parent) {
        free(joined);
        free(t->parent);
        return vit__fail_memory(err, NULL);
    }
    for (size_t k = 0; k < distinct->n; k++)
        t->parent[k] = k;
    vit_status status = run(t, threads, join_tile, err);
    for (size_t k = 0; k < distinct->n; k++)
        if (find(t->parent, k) != k)
            joined[k] = joined[find(t->parent, k)] = true;
    if (status == VIT_OK)
        spread(t, distinct, n, joined, group);
    free(joined);
    free(t->parent);
    return status;
}

vit_status vit_groups_find(const float *vectors, size_t n, size_t columns, double threshold, unsigned threads,
                           size_t *group, vit_error *err)
{
    if ((n > 0 && !vectors) || !group)
        return vit__fail_null(err, __func__, group ? "vectors" : "group");
    vit__distinct_rows distinct;
    vit_status status = vit__distinct_rows_find(vectors, NULL, n, columns, &distinct, err);
    if (status != VIT_OK)
        return status;
    tiles t = {.points = {vectors, distinct.first, distinct.n, columns}, .threshold = threshold};
    status = find_groups(&t, &distinct, n, threads, group, err);
    vit__distinct_rows_free(&distinct);
    return status;
}

/* ------------------------------------------------------------------ how near a group is ---- */

static void least_of_tile(void *context, size_t index, unsigned thread)
{
    tiles *t = context;
    size_t row, column;
    place(t, index, &row, &column);
    const float *scores = multiply(t, row, column, &t->desks[thread]);
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
    double exact = vit__cosine(vector_of(t, a), vector_of(t, b), t->points.columns);
    pthread_mutex_lock(&t->lock);
    t->least = exact < t->least ? exact : t->least;
    pthread_mutex_unlock(&t->lock);
}

/* Of a copy and what it is a copy of. */
static double least_of_copies(const float *vectors, size_t columns, const size_t *members, size_t n,
                              const vit__distinct_rows *distinct)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        const float *vector = vectors + members[i] * columns;
        if (distinct->first[distinct->kind[i]] != i)
            least = fmin(least, vit__cosine(vector, vector, columns));
    }
    return least;
}

vit_status vit_groups_least(const float *vectors, size_t columns, const size_t *members, size_t n, unsigned threads,
                            double *least, vit_error *err)
{
    if (!vectors || !members || !least)
        return vit__fail_null(err, __func__, !vectors ? "vectors" : members ? "least" : "members");
    vit__distinct_rows distinct;
    vit_status status = vit__distinct_rows_find(vectors, members, n, columns, &distinct, err);
    if (status != VIT_OK)
        return status;
    double of_copies = least_of_copies(vectors, columns, members, n, &distinct);
    for (size_t k = 0; k < distinct.n; k++)
        distinct.first[k] = members[distinct.first[k]];
    tiles t = {.points = {vectors, distinct.first, distinct.n, columns}, .least = of_copies};
    status = run(&t, threads, least_of_tile, err);
    vit__distinct_rows_free(&distinct);
    *least = t.least;
    return status;
}
