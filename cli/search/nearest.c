/* SPDX-License-Identifier: BSD-2-Clause */
#include "nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parallel.h"
#include "text.h"
#include "vit/vit.h"

#define ID_BYTES 8
#define BLOCK_ROWS 128  /* as f32 they stay in a core's cache */
#define PIECE_ROWS 8192 /* what a thread takes at a time */

/* ------------------------------------------------------------------ ids ---- */

void cli_idset_start(cli_idset *set, int64_t limit, bool full)
{
    size_t bytes = (size_t)(limit / 8 + 1);
    *set = (cli_idset){.bits = cli_allocate(bytes, 1), .limit = limit};
    memset(set->bits, full ? 0xFF : 0, bytes);
}

void cli_idset_put(cli_idset *set, int64_t id, bool in)
{
    if (id < 0 || id >= set->limit)
        return;
    uint8_t bit = (uint8_t)(1u << (id % 8));
    if (in)
        set->bits[id / 8] |= bit;
    else
        set->bits[id / 8] &= (uint8_t)~bit;
}

void cli_idset_free(cli_idset *set)
{
    free(set->bits);
    *set = (cli_idset){0};
}

/* ------------------------------------------------------------------ rows ---- */

size_t cli_row_size(size_t columns)
{
    return ID_BYTES + (columns * sizeof(uint16_t) + 7) / 8 * 8;
}

/* To the nearest, ties to even; the value is finite and at most 1. */
static uint16_t to_bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

static void widen(const uint16_t *halves, size_t n, float *values)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)halves[i] << 16;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

double cli_row_write(unsigned char *row, int64_t id, const float *vector, size_t columns)
{
    double lost = 0;
    memset(row, 0, cli_row_size(columns));
    memcpy(row, &id, ID_BYTES);
    for (size_t i = 0; i < columns; i++) {
        uint16_t half = to_bfloat16(vector[i]);
        float kept;
        widen(&half, 1, &kept);
        lost += ((double)vector[i] - (double)kept) * ((double)vector[i] - (double)kept);
        memcpy(row + ID_BYTES + i * sizeof half, &half, sizeof half);
    }
    return sqrt(lost);
}

/* ------------------------------------------------------------------ the scan ---- */

typedef struct scan_job {
    const cli_rows *rows;
    const cli_queries *queries;
    const cli_idset *set;
    cli_shortlist *lists; /* [threads][queries] */
    float *blocks;        /* [threads][BLOCK_ROWS][columns] */
    float *scores;        /* [threads][BLOCK_ROWS][queries] */
} scan_job;

static void scan_block(const scan_job *scan, size_t first, size_t n, unsigned thread)
{
    size_t columns = scan->rows->columns, n_queries = scan->queries->n;
    const unsigned char *rows = scan->rows->bytes + first * scan->rows->row_size;
    float *block = scan->blocks + thread * BLOCK_ROWS * columns;
    float *scores = scan->scores + thread * BLOCK_ROWS * n_queries;
    cli_shortlist *lists = scan->lists + thread * n_queries;
    for (size_t i = 0; i < n; i++)
        widen((const uint16_t *)(const void *)(rows + i * scan->rows->row_size + ID_BYTES), columns,
              block + i * columns);
    vit_products(block, n, scan->queries->vectors, n_queries, columns, scores);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        memcpy(&id, rows + i * scan->rows->row_size, sizeof id);
        if (!cli_idset_has(scan->set, id))
            continue;
        for (size_t query = 0; query < n_queries; query++)
            cli_shortlist_offer(&lists[query], id, scores[i * n_queries + query]);
    }
}

static void scan_piece(void *context, size_t index, unsigned thread)
{
    const scan_job *scan = context;
    size_t end = (index + 1) * PIECE_ROWS;
    end = end < scan->rows->n ? end : scan->rows->n;
    for (size_t first = index * PIECE_ROWS; first < end; first += BLOCK_ROWS)
        scan_block(scan, first, end - first < BLOCK_ROWS ? end - first : BLOCK_ROWS, thread);
}

void cli_nearest(const cli_rows *rows, const cli_queries *queries, const cli_idset *set, unsigned threads,
                 cli_shortlist *lists)
{
    threads = cli_parallel_threads(threads);
    size_t n_lists = threads * queries->n;
    scan_job scan = {
        .rows = rows,
        .queries = queries,
        .set = set,
        .lists = cli_allocate(n_lists, sizeof *scan.lists),
        .blocks = cli_allocate(threads * BLOCK_ROWS, queries->columns * sizeof(float)),
        .scores = cli_allocate(threads * BLOCK_ROWS, queries->n * sizeof(float)),
    };
    for (size_t i = 0; i < n_lists; i++)
        cli_shortlist_start(&scan.lists[i], lists[i % queries->n].k, lists[i % queries->n].margin / 2);
    cli_parallel(threads, (rows->n + PIECE_ROWS - 1) / PIECE_ROWS, scan_piece, &scan);
    for (size_t i = 0; i < n_lists; i++) {
        for (size_t j = 0; j < scan.lists[i].n; j++)
            cli_shortlist_offer(&lists[i % queries->n], scan.lists[i].candidates[j].id,
                                scan.lists[i].candidates[j].score);
        cli_shortlist_free(&scan.lists[i]);
    }
    free(scan.lists);
    free(scan.blocks);
    free(scan.scores);
}

/* ------------------------------------------------------------------ vectors ---- */

double cli_cosine(const float *a, const float *b, size_t columns)
{
    double sum = 0;
    for (size_t i = 0; i < columns; i++)
        sum += (double)a[i] * (double)b[i];
    return (double)(float)sum;
}
