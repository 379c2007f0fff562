/* SPDX-License-Identifier: BSD-2-Clause */
#include "unigram.h"

#include <stdlib.h>

#include "memory.h"
#include "utf8.h"

/* Best path that ends at a byte of the word: its score, its last piece, and where that starts. */
typedef struct node {
    double score;
    uint32_t start, id;
} node;

#define UNREACHED UINT32_MAX

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids);

static void release(vit__text_model *model)
{
    vit__unigram *unigram = (vit__unigram *)(void *)model;
    vit__lexicon_free(&unigram->pieces);
    free(unigram->scores);
    free(unigram);
}

vit__unigram *vit__unigram_new(size_t n)
{
    vit__unigram *unigram = vit__alloc_zero(1, sizeof *unigram);
    if (!unigram)
        return NULL;
    unigram->model = (vit__text_model){encode, release};
    unigram->scores = vit__alloc_zero(n, sizeof *unigram->scores);
    if (!unigram->scores) {
        release(&unigram->model);
        return NULL;
    }
    return unigram;
}

static void offer(node *target, double score, size_t start, uint32_t id)
{
    if (target->start == UNREACHED || score > target->score)
        *target = (node){score, (uint32_t)start, id};
}

/* Rounding a sum of two floats from double to float gives what adding floats gives. */
static double add(const vit__unigram *unigram, double score, double more)
{
    return unigram->single_precision ? (double)(float)(score + more) : score + more;
}

/* All pieces that start at this byte; where none is the single character, that is unknown. */
static void extend(const vit__unigram *unigram, const char *word, size_t size, size_t start, node *nodes)
{
    size_t after = start;
    vit__utf8_next(word, size, &after);
    bool single = false;
    vit__walk walk = vit__walk_start(&unigram->pieces);
    for (size_t end = start; end < size && vit__walk_feed(&unigram->pieces, &walk, word[end]);) {
        end++;
        uint32_t id = vit__walk_value(&unigram->pieces, &walk);
        if (id == VIT__NO_ID)
            continue;
        offer(&nodes[end], add(unigram, nodes[start].score, unigram->scores[id]), start, id);
        single = single || end == after;
    }
    if (!single)
        offer(&nodes[after], add(unigram, nodes[start].score, unigram->unknown_score), start, unigram->unknown);
}

/* Ids of the best path. It is read from its end, so that the pieces are first linked the other way
 * round. */
static void collect(const vit__unigram *unigram, node *nodes, size_t size, vit__ids *ids)
{
    uint32_t end = (uint32_t)size, after = UNREACHED;
    while (end != 0) {
        /* From here on nodes[start].start is the end of the piece that starts there. */
        uint32_t start = nodes[end].start;
        nodes[end].start = after;
        after = end;
        end = start;
    }
    bool unknown = false;
    for (; after != UNREACHED && !vit__ids_full(ids); after = nodes[after].start) {
        uint32_t id = nodes[after].id;
        if (id != unigram->unknown || !unknown)
            vit__ids_add(ids, id);
        unknown = id == unigram->unknown;
    }
}

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids)
{
    const vit__unigram *unigram = (const vit__unigram *)(const void *)model;
    if (size == 0 || size >= UNREACHED)
        return;
    node *nodes = vit__alloc(size + 1, sizeof *nodes);
    if (!nodes) {
        ids->failed = true;
        return;
    }
    for (size_t i = 0; i <= size; i++)
        nodes[i] = (node){0, UNREACHED, 0};
    for (size_t at = 0; at < size; vit__utf8_next(word, size, &at))
        extend(unigram, word, size, at, nodes);
    collect(unigram, nodes, size, ids);
    free(nodes);
}
