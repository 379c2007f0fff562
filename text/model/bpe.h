/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte-pair encoding. A word is a row of symbols at first. Again and again the pair of neighbours with the lowest rank
 * is joined into one symbol (of equal ones the leftmost), until no pair has a rank. With the merges "c a" and "ca t", c
 * a t becomes ca t, and then cat. Symbols are bytes (in CLIP the last byte of a word has a symbol of its own), or
 * characters (in Gemma a character that the vocabulary lacks becomes its bytes). Pairs are kept in a heap: a word of n
 * bytes takes n log n steps. */
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
    uint32_t byte[256];           /* by_bytes: the id of a byte inside of a word */
    uint32_t last_byte[256];      /* by_bytes: the id of a byte at the end of a word */
    vit__lexicon characters;      /* not by_bytes: symbols of one character inside of a word */
    vit__lexicon last_characters; /* not by_bytes: symbols at the end of a word; empty: the same as inside */
    bool byte_fallback;           /* not by_bytes: unknown characters become bytes, byte[] being <0x00> ... <0xFF> */
    uint32_t unknown;             /* VIT__NO_ID: unknown characters are left out */
    bool fuse_unknown;            /* neighbouring unknown characters are one token */
} vit__bpe;

/* All ids missing, no merges; NULL when out of memory. Freed through model.free. */
vit__bpe *vit__bpe_new(void);
/* The next merge by rank. A pair given again takes the later rank. */
void vit__bpe_add_merge(vit__bpe *bpe, uint32_t left, uint32_t right, uint32_t id);
void vit__bpe_finish(vit__bpe *bpe);

#endif
