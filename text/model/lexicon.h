/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte strings, each with a number. They are sorted, so that finding one is a binary search: no file can make it slow,
 * as a file could with a hash table. First all strings are added, then vit__lexicon_finish sorts them, then they are
 * only read. */
#ifndef VIT_LEXICON_H
#define VIT_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "ids.h"

typedef struct vit__entry {
    size_t start; /* of its bytes in the texts */
    uint32_t size, value, order;
} vit__entry;

typedef struct vit__lexicon {
    vit__buffer texts;
    vit__entry *entries;
    size_t n, capacity;
    size_t longest; /* bytes */
    bool failed;    /* no memory */
} vit__lexicon;

void vit__lexicon_add(vit__lexicon *lexicon, const char *text, size_t size, uint32_t value);
/* Sorts; of equal strings the one added last stays. */
void vit__lexicon_finish(vit__lexicon *lexicon);
void vit__lexicon_free(vit__lexicon *lexicon);

/* The value, or VIT__NO_ID. */
uint32_t vit__lexicon_find(const vit__lexicon *lexicon, const char *text, size_t size);

/* The entries that begin with the bytes fed so far. */
typedef struct vit__walk {
    size_t low, high, depth;
} vit__walk;

vit__walk vit__walk_start(const vit__lexicon *lexicon);
/* Feeds one byte; false: no entry begins so. */
bool vit__walk_feed(const vit__lexicon *lexicon, vit__walk *walk, char byte);
/* Value of the entry that is exactly the bytes fed, or VIT__NO_ID. */
uint32_t vit__walk_value(const vit__lexicon *lexicon, const vit__walk *walk);

#endif
