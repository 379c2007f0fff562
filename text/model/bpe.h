/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte-pair encoding: a word starts as symbols, and the pair of lowest rank (leftmost on a tie) is
 * joined until none is left. Symbols are bytes (CLIP: the last of a word is another one) or
 * characters (Gemma: one that the vocabulary lacks becomes its bytes). A heap of pairs: n log n for
 * a word of n bytes. */
#ifndef VIT_BPE_H
#define VIT_BPE_H

#include "lexicon.h"
#include "text_model.h"

typedef struct vit__merge {
    uint64_t pair; /* left id << 32 | right id */
    uint32_t rank, id;
} vit__merge;

typedef struct vit__bpe {
    vit__text_model model;
    vit__merge *merges; /* sorted by pair once finished */
    size_t n_merges, capacity;
    bool failed; /* no memory */

    bool by_bytes;
    uint32_t byte[256];           /* by_bytes: id of a byte's symbol inside a word, */
    uint32_t last_byte[256];      /* and at its end */
    vit__lexicon characters;      /* else: symbols of one character, */
    vit__lexicon last_characters; /* those of the end of a word (empty: the same), */
    bool byte_fallback;           /* and byte[] stands for <0x00> ... <0xFF> */
    uint32_t unknown;             /* VIT__NO_ID: left out */
    bool fuse_unknown;            /* neighbouring unknowns are one */
} vit__bpe;

/* All ids missing, no merges; NULL when out of memory. Freed through model.free. */
vit__bpe *vit__bpe_new(void);
/* The next merge by rank. A pair given again takes the later rank. */
void vit__bpe_add_merge(vit__bpe *bpe, uint32_t left, uint32_t right, uint32_t id);
void vit__bpe_finish(vit__bpe *bpe);

#endif
