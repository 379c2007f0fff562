/* SPDX-License-Identifier: BSD-2-Clause */
#include "attention_core.h"

#include <math.h>
#include <string.h>

#include "packed.h"
#include "size.h"

#define KEYS 512        /* most keys of a block */
#define QUERIES 48      /* most queries whose scores are in memory together */
#define UNIT_QUERIES 32 /* of a matrix unit: one block of rows */
#define VECTOR 16       /* values that exponentials takes at once */
#define STRIPE 16       /* keys that are put into a panel together */

/* What the scratch holds; 32-bit words of f32 or bf16 where it says words. Of split values, d and the number of keys
 * are to be read as three times as many. */
enum region {
    QUERY_WORDS,  /* bf16: [queries][words of d] */
    KEY_WORDS,    /* bf16: [STRIPE][words of d] */
    RESTS,        /* split: the lower halves of a row, as f32; of values, of two rows */
    KEY_PANELS,   /* of a block: [panels of keys][words of d][VIT__PANEL] */
    VALUE_PANELS, /* of a block: [panels of d][words of keys][VIT__PANEL] */
    SCORES,       /* [QUERIES][columns] */
    SHARES,       /* bf16: exponentials of the scores, [QUERIES][words of columns] */
    SUMS,         /* shares times values: [queries][panels of d * VIT__PANEL] */
    TOPS,         /* [queries]: the largest score so far */
    TOTALS,       /* [queries]: the sum of shares so far */
    REGIONS
};

/* Bfloat16 that stand for a value. */
static const size_t parts_of[] = {[VIT__CORE_F32] = 1, [VIT__CORE_BF16] = 1, [VIT__CORE_SPLIT] = 3};

typedef struct core {
    const vit__core_call *call;
    const vit__kernels *kernels;
    const vit__multiplier *multiplier;
    size_t columns; /* most keys of a block, in whole panels */
    size_t queries; /* most whose scores are in memory together */
    size_t words;   /* of a row of d values */
    size_t dims;    /* d, in whole panels */
    float *regions[REGIONS];
} core;

static size_t block_columns(size_t keys)
{
    return vit__round_up(keys < KEYS ? keys : KEYS, VIT__PANEL);
}

/* Words that n values take at most, in any numbers. */
static size_t most_words(size_t n)
{
    return vit__larger(n, 3 * vit__divide_up(n, 2));
}

static void region_sizes(size_t keys, size_t head_dim, size_t sizes[REGIONS])
{
    size_t columns = block_columns(keys), dims = vit__round_up(head_dim, VIT__PANEL);
    sizes[QUERY_WORDS] = VIT__CORE_QUERIES * most_words(head_dim);
    sizes[KEY_WORDS] = STRIPE * most_words(head_dim);
    sizes[RESTS] = vit__larger(columns, 2 * dims);
    sizes[KEY_PANELS] = most_words(head_dim) * columns;
    sizes[VALUE_PANELS] = most_words(columns) * dims;
    sizes[SCORES] = QUERIES * columns;
    sizes[SHARES] = QUERIES * most_words(columns);
    sizes[SUMS] = VIT__CORE_QUERIES * dims;
    sizes[TOPS] = sizes[TOTALS] = vit__round_up(VIT__CORE_QUERIES, 16);
}

size_t vit__core_scratch(size_t keys, size_t head_dim)
{
    size_t sizes[REGIONS], sum = 0;
    region_sizes(keys, head_dim, sizes);
    for (int i = 0; i < REGIONS; i++)
        sum += vit__round_up(sizes[i], 16);
    return sum;
}

static uint32_t *words_of(const core *c, enum region region)
{
    return (uint32_t *)c->regions[region];
}

static bool is_bf16(const core *c)
{
    return c->call->numbers != VIT__CORE_F32;
}

static bool is_split(const core *c)
{
    return c->call->numbers == VIT__CORE_SPLIT;
}

/* ------------------------------------------------------------------ operands ---- */

/* The two sides of a product. Of split values the left is high, high, low; the right is high, low, high. */
enum side { LEFT, RIGHT };

/* to = n values as bfloat16, in `words` words, or split in three times as many. */
static void convert(const core *c, const float *x, size_t n, enum side side, uint32_t *to)
{
    size_t words = vit__divide_up(n, 2);
    to[words - 1] = 0;
    c->kernels->to_bf16(x, n, (uint16_t *)to);
    if (!is_split(c))
        return;
    uint32_t *low = to + (side == LEFT ? 2 : 1) * words;
    low[words - 1] = 0;
    c->kernels->bf16_rest(x, n, c->regions[RESTS]);
    c->kernels->to_bf16(c->regions[RESTS], n, (uint16_t *)low);
    memcpy(to + (side == LEFT ? 1 : 2) * words, to, words * sizeof *to);
}

/* bf16: the run's queries, converted. */
static void take_queries(const core *c)
{
    for (size_t i = 0; is_bf16(c) && i < c->call->queries; i++)
        convert(c, c->call->q + i * c->call->stride, c->call->head_dim, LEFT, words_of(c, QUERY_WORDS) + i * c->words);
}

/* Keys first ... first + n - 1, a panel's columns each. Columns past
 * the last key keep what they had: nobody reads their scores. */
static void take_keys(const core *c, size_t first, size_t n)
{
    const size_t stride = is_bf16(c) ? c->words : c->call->stride;
    for (size_t done = 0, some; done < n; done += some) {
        some = vit__smaller(n - done, STRIPE);
        const float *keys = c->call->k + (first + done) * c->call->stride;
        for (size_t i = 0; is_bf16(c) && i < some; i++)
            convert(c, keys + i * c->call->stride, c->call->head_dim, RIGHT, words_of(c, KEY_WORDS) + i * c->words);
        vit__packed_scatter(is_bf16(c) ? words_of(c, KEY_WORDS) : (const uint32_t *)keys, stride, some, c->words,
                            words_of(c, KEY_PANELS) + done / VIT__PANEL * c->words * VIT__PANEL, done % VIT__PANEL);
    }
}

/* A row of the value panels, of two values (second NULL: one); where split, also the rows `words` and 2 `words` on. */
static void pair_values(const core *c, const float *value, const float *second, size_t width, size_t words,
                        uint32_t *to)
{
    c->kernels->pair_bf16(value, second, width, to);
    if (!is_split(c))
        return;
    float *rest = c->regions[RESTS], *second_rest = second ? rest + c->dims : NULL;
    c->kernels->bf16_rest(value, width, rest);
    if (second)
        c->kernels->bf16_rest(second, width, second_rest);
    c->kernels->pair_bf16(rest, second_rest, width, to + words * VIT__PANEL);
    memcpy(to + 2 * words * VIT__PANEL, to, width * sizeof *to);
}

/* Rows of a value panel for n keys. */
static size_t value_words(const core *c, size_t n)
{
    return parts_of[c->call->numbers] * (is_bf16(c) ? vit__divide_up(n, 2) : n);
}

/* Values first ... first + n - 1, a row of the panels each (bf16: two share a row). */
static void take_values(const core *c, size_t first, size_t n)
{
    size_t per_word = is_bf16(c) ? 2 : 1, rows = vit__divide_up(n, per_word), words = value_words(c, n);
    for (size_t panel = 0; panel < c->dims / VIT__PANEL; panel++) {
        size_t from = panel * VIT__PANEL, width = vit__smaller(c->call->head_dim - from, VIT__PANEL);
        for (size_t row = 0; row < rows; row++) {
            const float *value = c->call->v + (first + row * per_word) * c->call->stride + from;
            const float *second = row * per_word + 1 < n ? value + c->call->stride : NULL;
            uint32_t *to = words_of(c, VALUE_PANELS) + (panel * words + row) * VIT__PANEL;
            if (is_bf16(c))
                pair_values(c, value, second, width, rows, to);
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
    const size_t words = value_words(c, n_keys);
    vit__tile_call tile = {.a = c->regions[SCORES],
                           .a_stride = c->columns,
                           .rows = n_queries,
                           .words = words,
                           .out_stride = c->dims,
                           .add = add};
    if (is_bf16(c)) {
        tile.a = words_of(c, SHARES);
        tile.a_stride = words;
        for (size_t i = 0; i < n_queries; i++)
            convert(c, c->regions[SCORES] + i * c->columns, vit__round_up(n_keys, 2), LEFT,
                    words_of(c, SHARES) + i * words);
    }
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
    bool wide = call->numbers == VIT__CORE_F32;
    const vit__multiplier *multiplier = wide ? &tiles->f32 : &tiles->bf16;
    core c = {.call = call,
              .kernels = kernels,
              .multiplier = multiplier,
              .queries = multiplier->hands_out ? UNIT_QUERIES : QUERIES,
              .columns = block_columns(call->keys),
              .dims = vit__round_up(call->head_dim, VIT__PANEL),
              .words = wide ? call->head_dim : parts_of[call->numbers] * vit__divide_up(call->head_dim, 2)};
    size_t sizes[REGIONS];
    region_sizes(call->keys, call->head_dim, sizes);
    for (int i = 0; i < REGIONS; scratch += vit__round_up(sizes[i++], 16))
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
        for (size_t query = 0; query < call->queries; query += c.queries) {
            size_t n_queries = vit__smaller(call->queries - query, c.queries);
            score(&c, query, n_queries, n_keys);
            for (size_t i = 0; i < n_queries; i++)
                share(&c, query + i, c.regions[SCORES] + i * c.columns, key, n_keys);
            add_values(&c, query, n_queries, n_keys, key > 0);
        }
    }
    vit__tiles_leave(tiles);
    finish(&c);
}
