/* SPDX-License-Identifier: BSD-2-Clause */
#include "nearest.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "size.h"
#include "vit/index.h"

#define ID_BYTES 8
#define BLOCK_ROWS 128  /* as f32 they stay in a core's cache */
#define PIECE_ROWS 8192 /* what a thread takes at a time */

/* ------------------------------------------------------------------ ids ---- */

bool vit__idset_start(vit__idset *set, int64_t limit, bool full)
{
    size_t bytes = (size_t)(limit / 8 + 1);
    *set = (vit__idset){.bits = vit__alloc(bytes, 1), .limit = limit};
    if (set->bits)
        memset(set->bits, full ? 0xFF : 0, bytes);
    return set->bits;
}

void vit__idset_put(vit__idset *set, int64_t id, bool in)
{
    if (id < 0 || id >= set->limit)
        return;
    uint8_t bit = (uint8_t)(1u << (id % 8));
    if (in)
        set->bits[id / 8] |= bit;
    else
        set->bits[id / 8] &= (uint8_t)~bit;
}

void vit__idset_free(vit__idset *set)
{
    free(set->bits);
    *set = (vit__idset){0};
}

/* ------------------------------------------------------------------ rows ---- */

size_t vit__row_size(size_t columns)
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

double vit__row_write(unsigned char *row, int64_t id, const float *vector, size_t columns)
{
    double lost = 0;
    memset(row, 0, vit__row_size(columns));
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
    const vit__rows *rows;
    const vit__queries *queries;
    const vit__idset *set;
    vit__shortlist *lists; /* [threads][queries] */
    float *blocks;         /* [threads][BLOCK_ROWS][columns] */
    float *scores;         /* [threads][BLOCK_ROWS][queries] */
    unsigned char *read;   /* [threads][BLOCK_ROWS][row_size], where rows come from a file */
    atomic_bool unreadable;
} scan_job;

/* n rows from first on; NULL: the file does not give them. */
static const unsigned char *block_of(scan_job *scan, size_t first, size_t n, unsigned thread)
{
    const vit__rows *rows = scan->rows;
    if (rows->bytes)
        return rows->bytes + first * rows->row_size;
    unsigned char *block = scan->read + thread * BLOCK_ROWS * rows->row_size;
    if (vit__file_read_at(rows->descriptor, rows->start + first * rows->row_size, block, n * rows->row_size))
        return block;
    atomic_store(&scan->unreadable, true);
    return NULL;
}

static void scan_block(scan_job *scan, size_t first, size_t n, unsigned thread)
{
    size_t columns = scan->rows->columns, n_queries = scan->queries->n;
    const unsigned char *rows = block_of(scan, first, n, thread);
    float *block = scan->blocks + thread * BLOCK_ROWS * columns;
    float *scores = scan->scores + thread * BLOCK_ROWS * n_queries;
    vit__shortlist *lists = scan->lists + thread * n_queries;
    if (!rows)
        return;
    for (size_t i = 0; i < n; i++)
        widen((const uint16_t *)(const void *)(rows + i * scan->rows->row_size + ID_BYTES), columns,
              block + i * columns);
    vit_products(block, n, scan->queries->vectors, n_queries, columns, scores);
    for (size_t i = 0; i < n; i++) {
        int64_t id;
        memcpy(&id, rows + i * scan->rows->row_size, sizeof id);
        if (!vit__idset_has(scan->set, id))
            continue;
        for (size_t query = 0; query < n_queries; query++)
            vit__shortlist_offer(&lists[query], id, scores[i * n_queries + query]);
    }
}

static void scan_piece(void *context, size_t index, unsigned thread)
{
    scan_job *scan = context;
    size_t end = (index + 1) * PIECE_ROWS;
    end = end < scan->rows->n ? end : scan->rows->n;
    for (size_t first = index * PIECE_ROWS; first < end; first += BLOCK_ROWS)
        scan_block(scan, first, end - first < BLOCK_ROWS ? end - first : BLOCK_ROWS, thread);
}

unsigned vit__nearest_threads(size_t rows, unsigned there)
{
    size_t pieces = vit__divide_up(rows, PIECE_ROWS);
    return pieces < 2 ? 1 : (unsigned)vit__smaller(pieces, there);
}

static bool scan_start(scan_job *scan, unsigned threads, const vit__shortlist *lists)
{
    size_t n = scan->queries->n, columns = scan->queries->columns, n_lists, n_rows;
    if (!vit__multiply(threads, n, &n_lists) || !vit__multiply((size_t)threads * BLOCK_ROWS, columns, &n_rows))
        return false;
    scan->lists = vit__alloc_zero(n_lists, sizeof *scan->lists);
    scan->blocks = vit__alloc(n_rows, sizeof *scan->blocks);
    scan->scores = vit__alloc(n_lists, BLOCK_ROWS * sizeof *scan->scores);
    if (!scan->rows->bytes)
        scan->read = vit__alloc((size_t)threads * BLOCK_ROWS, scan->rows->row_size);
    bool done = scan->lists && scan->blocks && scan->scores && (scan->read || scan->rows->bytes);
    for (size_t i = 0; i < n_lists && done; i++)
        done = vit__shortlist_start(&scan->lists[i], lists[i % n].k, lists[i % n].margin / 2);
    return done;
}

/* What a thread has found joins what the caller's list has. */
static bool join_lists(const scan_job *scan, unsigned threads, vit__shortlist *lists)
{
    size_t n = scan->queries->n;
    bool done = true;
    for (size_t i = 0; i < threads * n && done; i++) {
        const vit__shortlist *found = &scan->lists[i];
        for (size_t j = 0; j < found->n; j++)
            vit__shortlist_offer(&lists[i % n], found->candidates[j].id, found->candidates[j].score);
        done = !found->failed && !lists[i % n].failed;
    }
    return done;
}

vit_status vit__nearest(const vit__rows *rows, const vit__queries *queries, const vit__idset *set, vit__pool *pool,
                        vit__shortlist *lists)
{
    unsigned threads = vit__pool_threads(pool);
    scan_job scan = {.rows = rows, .queries = queries, .set = set};
    bool done = scan_start(&scan, threads, lists);
    if (done) {
        vit__pool_run(pool, vit__divide_up(rows->n, PIECE_ROWS), scan_piece, &scan);
        done = join_lists(&scan, threads, lists);
    }
    for (size_t i = 0; scan.lists && i < threads * queries->n; i++)
        vit__shortlist_free(&scan.lists[i]);
    free(scan.lists);
    free(scan.blocks);
    free(scan.scores);
    free(scan.read);
    if (!done)
        return VIT_ERR_OUT_OF_MEMORY;
    return atomic_load(&scan.unreadable) ? VIT_ERR_UNREADABLE : VIT_OK;
}

/* ------------------------------------------------------------------ vectors ---- */

double vit__cosine(const float *a, const float *b, size_t columns)
{
    double sum = 0;
    for (size_t i = 0; i < columns; i++)
        sum += (double)a[i] * (double)b[i];
    return (double)(float)sum;
}
