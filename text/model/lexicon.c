/* SPDX-License-Identifier: BSD-2-Clause */
#include "lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

void vit__lexicon_add(vit__lexicon *lexicon, const char *text, size_t size, uint32_t value)
{
    vit__entry *grown = NULL;
    vit__entry entry = {lexicon->texts.size, (uint32_t)size, value, (uint32_t)lexicon->n};
    vit__buffer_add(&lexicon->texts, text, size);
    if (!lexicon->texts.failed && size <= UINT32_MAX && lexicon->n < UINT32_MAX)
        grown = vit__grow(lexicon->entries, &lexicon->capacity, lexicon->n, 1, sizeof entry);
    if (!grown) {
        lexicon->failed = true;
        return;
    }
    lexicon->entries = grown;
    lexicon->entries[lexicon->n++] = entry;
    if (size > lexicon->longest)
        lexicon->longest = size;
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* By bytes; of equal strings the latest first. */
static int compare(const void *left, const void *right, void *texts)
{
    const vit__entry *a = left, *b = right;
    const char *base = texts;
    int order = compare_bytes(base + a->start, a->size, base + b->start, b->size);
    return order != 0 ? order : (a->order < b->order) - (a->order > b->order);
}

void vit__lexicon_finish(vit__lexicon *lexicon)
{
    if (lexicon->failed || lexicon->n == 0)
        return;
    const char *texts = lexicon->texts.data;
    qsort_r(lexicon->entries, lexicon->n, sizeof *lexicon->entries, compare, lexicon->texts.data);
    size_t kept = 1;
    for (size_t i = 1; i < lexicon->n; i++) {
        const vit__entry *last = &lexicon->entries[kept - 1], *entry = &lexicon->entries[i];
        if (compare_bytes(texts + last->start, last->size, texts + entry->start, entry->size) != 0)
            lexicon->entries[kept++] = *entry;
    }
    lexicon->n = kept;
}

void vit__lexicon_free(vit__lexicon *lexicon)
{
    vit__buffer_free(&lexicon->texts);
    free(lexicon->entries);
    *lexicon = (vit__lexicon){0};
}

uint32_t vit__lexicon_find(const vit__lexicon *lexicon, const char *text, size_t size)
{
    size_t low = 0, high = lexicon->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const vit__entry *entry = &lexicon->entries[middle];
        int order = compare_bytes(lexicon->texts.data + entry->start, entry->size, text, size);
        if (order == 0)
            return entry->value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return VIT__NO_ID;
}

vit__walk vit__walk_start(const vit__lexicon *lexicon)
{
    return (vit__walk){0, lexicon->n, 0};
}

/* First of the walk's entries whose byte at the walk's depth is at least `least` (0: any byte, but
 * there must be one). */
static size_t bound(const vit__lexicon *lexicon, const vit__walk *walk, unsigned least)
{
    size_t low = walk->low, high = walk->high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const vit__entry *entry = &lexicon->entries[middle];
        bool below = entry->size <= walk->depth ||
                     (unsigned char)lexicon->texts.data[entry->start + walk->depth] < least;
        if (below)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool vit__walk_feed(const vit__lexicon *lexicon, vit__walk *walk, char byte)
{
    unsigned value = (unsigned char)byte;
    size_t low = bound(lexicon, walk, value);
    walk->high = bound(lexicon, walk, value + 1);
    walk->low = low;
    walk->depth++;
    return walk->low < walk->high;
}

uint32_t vit__walk_value(const vit__lexicon *lexicon, const vit__walk *walk)
{
    if (walk->low >= walk->high || lexicon->entries[walk->low].size != walk->depth)
        return VIT__NO_ID;
    return lexicon->entries[walk->low].value;
}
