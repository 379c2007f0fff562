/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpe.h"

#include <stdlib.h>

#include "memory.h"
#include "utf8.h"

#define NONE UINT32_MAX

/* A symbol of the word; joined ones leave the list. */
typedef struct symbol {
    uint32_t id, before, after;
} symbol;

typedef struct work {
    symbol *symbols;
    size_t n;
    uint64_t *heap; /* rank << 32 | position of the left symbol: the least is the pair to join */
    size_t n_heap;
} work;

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids);

static void release(vit__text_model *model)
{
    vit__bpe *bpe = (vit__bpe *)(void *)model;
    free(bpe->merges);
    vit__lexicon_free(&bpe->characters);
    vit__lexicon_free(&bpe->last_characters);
    free(bpe);
}

vit__bpe *vit__bpe_new(void)
{
    vit__bpe *bpe = vit__alloc_zero(1, sizeof *bpe);
    if (!bpe)
        return NULL;
    bpe->model = (vit__text_model){encode, release};
    for (size_t i = 0; i < 256; i++)
        bpe->byte[i] = bpe->last_byte[i] = VIT__NO_ID;
    bpe->unknown = VIT__NO_ID;
    return bpe;
}

static uint64_t pair_of(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

void vit__bpe_add_merge(vit__bpe *bpe, uint32_t left, uint32_t right, uint32_t id)
{
    vit__merge *grown = NULL;
    if (bpe->n_merges < NONE)
        grown = vit__grow(bpe->merges, &bpe->capacity, bpe->n_merges, 1, sizeof *grown);
    if (!grown) {
        bpe->failed = true;
        return;
    }
    bpe->merges = grown;
    bpe->merges[bpe->n_merges] = (vit__merge){pair_of(left, right), (uint32_t)bpe->n_merges, id};
    bpe->n_merges++;
}

/* By pair; of equal pairs the latest first. */
static int compare_merges(const void *left, const void *right)
{
    const vit__merge *a = left, *b = right;
    if (a->pair != b->pair)
        return a->pair < b->pair ? -1 : 1;
    return (a->rank < b->rank) - (a->rank > b->rank);
}

void vit__bpe_finish(vit__bpe *bpe)
{
    vit__lexicon_finish(&bpe->characters);
    vit__lexicon_finish(&bpe->last_characters);
    bpe->failed = bpe->failed || bpe->characters.failed || bpe->last_characters.failed;
    if (bpe->n_merges == 0)
        return;
    qsort(bpe->merges, bpe->n_merges, sizeof *bpe->merges, compare_merges);
    size_t kept = 1;
    for (size_t i = 1; i < bpe->n_merges; i++)
        if (bpe->merges[i].pair != bpe->merges[kept - 1].pair)
            bpe->merges[kept++] = bpe->merges[i];
    bpe->n_merges = kept;
}

static const vit__merge *find_merge(const vit__bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t pair = pair_of(left, right);
    size_t low = 0, high = bpe->n_merges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bpe->merges[middle].pair < pair)
            low = middle + 1;
        else
            high = middle;
    }
    return low < bpe->n_merges && bpe->merges[low].pair == pair ? &bpe->merges[low] : NULL;
}

static void push(work *w, uint64_t key)
{
    size_t at = w->n_heap++;
    while (at > 0 && w->heap[(at - 1) / 2] > key) {
        w->heap[at] = w->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    w->heap[at] = key;
}

static uint64_t pop(work *w)
{
    uint64_t least = w->heap[0], key = w->heap[--w->n_heap];
    size_t at = 0;
    for (size_t child = 1; child < w->n_heap; child = 2 * at + 1) {
        if (child + 1 < w->n_heap && w->heap[child + 1] < w->heap[child])
            child++;
        if (w->heap[child] >= key)
            break;
        w->heap[at] = w->heap[child];
        at = child;
    }
    w->heap[at] = key;
    return least;
}

/* The merge of the symbol at this position with the one after it, or NULL. */
static const vit__merge *merge_at(const vit__bpe *bpe, const work *w, uint32_t at)
{
    const symbol *left = &w->symbols[at];
    if (left->id == VIT__NO_ID || left->after == NONE)
        return NULL;
    return find_merge(bpe, left->id, w->symbols[left->after].id);
}

static void consider(const vit__bpe *bpe, work *w, uint32_t at)
{
    const vit__merge *merge = merge_at(bpe, w, at);
    if (merge)
        push(w, (uint64_t)merge->rank << 32 | at);
}

/* Joins the symbol with the one after it. The heap has room: every join takes one symbol away and
 * adds two pairs. */
static void join(const vit__bpe *bpe, work *w, uint32_t at, uint32_t id)
{
    symbol *left = &w->symbols[at], *right = &w->symbols[left->after];
    left->id = id;
    left->after = right->after;
    right->id = VIT__NO_ID;
    if (left->after != NONE)
        w->symbols[left->after].before = at;
    consider(bpe, w, at);
    if (left->before != NONE)
        consider(bpe, w, left->before);
}

static void merge_all(const vit__bpe *bpe, work *w)
{
    for (uint32_t i = 0; i + 1 < w->n; i++)
        consider(bpe, w, i);
    while (w->n_heap > 0) {
        uint64_t key = pop(w);
        uint32_t at = (uint32_t)key;
        /* Pairs that are no longer there have stayed in the heap. */
        const vit__merge *merge = merge_at(bpe, w, at);
        if (merge && merge->rank == key >> 32)
            join(bpe, w, at, merge->id);
    }
}

static void add_symbol(work *w, uint32_t id)
{
    uint32_t at = (uint32_t)w->n++;
    w->symbols[at] = (symbol){id, at > 0 ? at - 1 : NONE, NONE};
    if (at > 0)
        w->symbols[at - 1].after = at;
}

static void add_known(const vit__bpe *bpe, work *w, uint32_t id)
{
    bool again = id == VIT__NO_ID && bpe->fuse_unknown && w->n > 0 && w->symbols[w->n - 1].id == bpe->unknown;
    if (id == VIT__NO_ID)
        id = bpe->unknown;
    if (id != VIT__NO_ID && !again)
        add_symbol(w, id);
}

static bool all_bytes_known(const vit__bpe *bpe, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bpe->byte[(unsigned char)text[i]] == VIT__NO_ID)
            return false;
    return true;
}

static void add_character(const vit__bpe *bpe, work *w, const char *text, size_t size, bool last)
{
    bool ending = last && bpe->last_characters.n > 0;
    uint32_t id = vit__lexicon_find(ending ? &bpe->last_characters : &bpe->characters, text, size);
    if (id == VIT__NO_ID && bpe->byte_fallback && all_bytes_known(bpe, text, size))
        for (size_t i = 0; i < size; i++)
            add_symbol(w, bpe->byte[(unsigned char)text[i]]);
    else
        add_known(bpe, w, id);
}

static void split(const vit__bpe *bpe, work *w, const char *word, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (bpe->by_bytes) {
            at++;
            add_known(bpe, w, (at == size ? bpe->last_byte : bpe->byte)[(unsigned char)word[start]]);
        } else {
            vit__utf8_next(word, size, &at);
            add_character(bpe, w, word + start, at - start, at == size);
        }
    }
}

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids)
{
    const vit__bpe *bpe = (const vit__bpe *)(const void *)model;
    if (size == 0 || size > UINT32_MAX / 4)
        return;
    /* The heap holds a pair for each symbol at first, and two more for each join. */
    work w = {vit__alloc(size, sizeof *w.symbols), 0, vit__alloc(size, 3 * sizeof *w.heap), 0};
    if (w.symbols && w.heap) {
        split(bpe, &w, word, size);
        merge_all(bpe, &w);
        for (uint32_t at = 0; w.n > 0 && at != NONE && !vit__ids_full(ids); at = w.symbols[at].after)
            vit__ids_add(ids, w.symbols[at].id);
    } else {
        ids->failed = true;
    }
    free(w.symbols);
    free(w.heap);
}
