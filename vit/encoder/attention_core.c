/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention_core.h"

#include <math.h>
#include <string.h>

#include "packed.h"
#include "size.h"

#define KEYS 512   /* most keys of a block */
#define QUERIES 48 /* most queries whose scores are in memory together */
#define VECTOR 16  /* values that exponentials takes at once */

/* What the scratch holds; 32-bit words of f32 or bf16 where it says words. */
enum region {
    QUERY_WORDS,  /* bf16: [queries][words of d] */
    ROW,          /* [words of d] */
    KEY_PANELS,   /* of a block: [panels of keys][words of d][VIT__PANEL] */
    VALUE_PANELS, /* of a block: [panels of d][words of keys][VIT__PANEL] */
    SCORES,       /* [QUERIES][columns] */
    SHARES,       /* bf16: exponentials of the scores, [QUERIES][columns / 2] */
    SUMS,         /* shares times values: [queries][panels of d * VIT__PANEL] */
    TOPS,         /* [queries]: the largest score so far */
    TOTALS,       /* [queries]: the sum of shares so far */
    REGIONS
};

typedef struct core {
    const vit__core_call *call;
    const vit__kernels *kernels;
    const vit__multiplier *multiplier;
    size_t columns; /* most keys of a block, in whole panels */
    size_t words;   /* of a row of d values */
    size_t dims;    /* d, in whole panels */
    float *regions[REGIONS];
} core;

static size_t block_columns(size_t keys)
{
    return vit__round_up(keys < KEYS ? keys : KEYS, VIT__PANEL);
}

static void region_sizes(size_t keys, size_t head_dim, size_t sizes[REGIONS])
{
    size_t columns = block_columns(keys), dims = vit__round_up(head_dim, VIT__PANEL);
    sizes[QUERY_WORDS] = VIT__CORE_QUERIES * dims;
    sizes[ROW] = dims;
    sizes[KEY_PANELS] = head_dim * columns;
    sizes[VALUE_PANELS] = columns * dims;
    sizes[SCORES] = sizes[SHARES] = QUERIES * columns;
    sizes[SUMS] = VIT__CORE_QUERIES * dims;
    sizes[TOPS] = sizes[TOTALS] = vit__round_up(VIT__CORE_QUERIES, 16);
}

size_t vit__core_scratch(size_t keys, size_t head_dim)
{
    size_t sizes[REGIONS], sum = 0;
    region_sizes(keys, head_dim, sizes);
    for (int i = 0; i < REGIONS; i++)
        sum += sizes[i];
    return sum;
}

static uint32_t *words_of(const core *c, enum region region)
{
    return (uint32_t *)c->regions[region];
}

static bool is_bf16(const core *c)
{
    return c->call->precision != VIT_PRECISION_F32;
}

/* ------------------------------------------------------------------ operands ---- */

/* bf16: the run's queries, converted. */
static void take_queries(const core *c)
{
    for (size_t i = 0; is_bf16(c) && i < c->call->queries; i++) {
        uint32_t *to = words_of(c, QUERY_WORDS) + i * c->words;
        to[c->words - 1] = 0;
        c->kernels->to_bf16(c->call->q + i * c->call->stride, c->call->head_dim, (uint16_t *)to);
    }
}

/* Keys first ... first + n - 1, a panel's columns each. Columns past
 * the last key keep what they had: nobody reads their scores. */
static void take_keys(const core *c, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *key = c->call->k + (first + i) * c->call->stride;
        const uint32_t *row = (const uint32_t *)key;
        if (is_bf16(c)) {
            words_of(c, ROW)[c->words - 1] = 0;
            c->kernels->to_bf16(key, c->call->head_dim, (uint16_t *)words_of(c, ROW));
            row = words_of(c, ROW);
        }
        uint32_t *column = words_of(c, KEY_PANELS) + i / VIT__PANEL * c->words * VIT__PANEL + i % VIT__PANEL;
        for (size_t word = 0; word < c->words; word++)
            column[word * VIT__PANEL] = row[word];
    }
}

/* Values first ... first + n - 1, a row of the panels each (bf16: two share a row). */
static void take_values(const core *c, size_t first, size_t n)
{
    size_t per_word = is_bf16(c) ? 2 : 1, rows = (n + per_word - 1) / per_word;
    for (size_t panel = 0; panel < c->dims / VIT__PANEL; panel++) {
        size_t from = panel * VIT__PANEL;
        size_t width = c->call->head_dim - from < VIT__PANEL ? c->call->head_dim - from : VIT__PANEL;
        for (size_t row = 0; row < rows; row++) {
            const float *value = c->call->v + (first + row * per_word) * c->call->stride + from;
            const float *second = row * per_word + 1 < n ? value + c->call->stride : NULL;
            uint32_t *to = words_of(c, VALUE_PANELS) + (panel * rows + row) * VIT__PANEL;
            if (is_bf16(c))
                c->kernels->pair_bf16(value, second, width, to);
            else
                memcpy(to, value, width * sizeof *to);
        }
    }
}

/* ------------------------------------------------------------------ scores and sums ---- */

/* scores[n_queries][n_keys] of the block */
static void score(const core *c, size_t query, size_t n_queries, size_t n_keys)
{
    const vit__core_call *call = c->call;
    vit__tile_call tile = {.rows = n_queries, .words = c->words, .out_stride = c->columns};
    if (is_bf16(c)) {
        tile.a = words_of(c, QUERY_WORDS) + query * c->words;
        tile.a_stride = c->words;
    } else {
        tile.a = call->q + query * call->stride;
        tile.a_stride = call->stride;
    }
    for (size_t key = 0; key < n_keys; key += VIT__PANEL) {
        tile.panel = words_of(c, KEY_PANELS) + key * c->words;
        tile.columns = n_keys - key < VIT__PANEL ? n_keys - key : VIT__PANEL;
        tile.out = c->regions[SCORES] + key;
        c->multiplier->multiply(&tile);
    }
}

/* The scores of one query and block become shares exp(score - top); what the sums hold
 * so far is brought to the new top. Keys that the query does not see have no share. */
static void share(const core *c, size_t query, float *scores, size_t first_key, size_t n_keys)
{
    const vit__core_call *call = c->call;
    float scale = call->scale, *top = c->regions[TOPS] + query, *total = c->regions[TOTALS] + query;
    size_t last = call->first_query + query; /* the last key seen */
    size_t seen = !call->causal ? n_keys : last < first_key ? 0 : last - first_key + 1;
    seen = seen < n_keys ? seen : n_keys;
    if (call->relative) {
        const uint32_t *index = call->relative_index + (ptrdiff_t)query * call->relative_row + first_key;
        for (size_t i = 0; i < seen; i++)
            scores[i] = scores[i] * scale + call->relative[index[i]];
        scale = 1;
    }
    if (call->bias) {
        const float *bias = call->bias + query * call->bias_row + first_key;
        for (size_t i = 0; i < seen; i++)
            scores[i] = scores[i] * scale + bias[i];
        scale = 1;
    }
    for (size_t i = 0; call->hidden && i < seen; i++)
        if (call->hidden[first_key + i])
            scores[i] = -INFINITY;
    size_t whole = vit__round_up(seen, VECTOR); /* no share, and none of the total, is left of exp(-infinity) */
    for (size_t i = seen; i < whole; i++)
        scores[i] = -INFINITY;
    float before = seen ? c->kernels->exponentials(scores, whole, scale, top, total) : 1;
    memset(scores + seen, 0, (n_keys + n_keys % 2 - seen) * sizeof *scores);
    float *sums = c->regions[SUMS] + query * c->dims;
    if (before != 1 && first_key > 0)
        c->kernels->scale(sums, before, c->dims, sums);
}

/* sums[n_queries][d] (+)= shares times values */
static void add_values(const core *c, size_t query, size_t n_queries, size_t n_keys, bool add)
{
    const vit__core_call *call = c->call;
    size_t words = n_keys;
    vit__tile_call tile = {
        .a = c->regions[SCORES], .a_stride = c->columns, .rows = n_queries, .out_stride = c->dims, .add = add};
    if (is_bf16(c)) {
        words = (n_keys + 1) / 2;
        tile.a = words_of(c, SHARES);
        tile.a_stride = c->columns / 2;
        for (size_t i = 0; i < n_queries; i++)
            c->kernels->to_bf16(c->regions[SCORES] + i * c->columns, 2 * words,
                                (uint16_t *)(words_of(c, SHARES) + i * tile.a_stride));
    }
    tile.words = words;
    for (size_t dim = 0; dim < c->dims; dim += VIT__PANEL) {
        tile.panel = words_of(c, VALUE_PANELS) + dim * words;
        tile.columns = call->head_dim - dim < VIT__PANEL ? call->head_dim - dim : VIT__PANEL;
        tile.out = c->regions[SUMS] + query * c->dims + dim;
        c->multiplier->multiply(&tile);
    }
}

static void finish(const core *c)
{
    const vit__core_call *call = c->call;
    for (size_t i = 0; i < call->queries; i++)
        c->kernels->scale(c->regions[SUMS] + i * c->dims, 1.0f / c->regions[TOTALS][i], call->head_dim,
                          call->y + i * call->y_stride);
}

void vit__core_attend(const vit__core_call *call, const vit__kernels *kernels, const vit__tiles *tiles, float *scratch)
{
    bool wide = call->precision == VIT_PRECISION_F32;
    core c = {.call = call,
              .kernels = kernels,
              .multiplier = wide ? &tiles->f32 : &tiles->bf16,
              .columns = block_columns(call->keys),
              .dims = vit__round_up(call->head_dim, VIT__PANEL),
              .words = vit__words(wide ? VIT_PRECISION_F32 : VIT_PRECISION_BF16, call->head_dim)};
    size_t sizes[REGIONS];
    region_sizes(call->keys, call->head_dim, sizes);
    for (int i = 0; i < REGIONS; scratch += sizes[i++])
        c.regions[i] = scratch;
    for (size_t i = 0; i < call->queries; i++) {
        c.regions[TOPS][i] = -INFINITY;
        c.regions[TOTALS][i] = 0;
    }
    take_queries(&c);
    for (size_t key = 0; key < call->keys; key += KEYS) {
        size_t n_keys = call->keys - key < KEYS ? call->keys - key : KEYS;
        take_keys(&c, key, n_keys);
        take_values(&c, key, n_keys);
        for (size_t query = 0; query < call->queries; query += QUERIES) {
            size_t n_queries = call->queries - query < QUERIES ? call->queries - query : QUERIES;
            score(&c, query, n_queries, n_keys);
            for (size_t i = 0; i < n_queries; i++)
                share(&c, query + i, c.regions[SCORES] + i * c.columns, key, n_keys);
            add_values(&c, query, n_queries, n_keys, key > 0);
        }
    }
    vit__tiles_leave(tiles);
    finish(&c);
}
