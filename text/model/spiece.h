/* SPDX-License-Identifier: BSD-2-Clause */
/* A Unigram model of sentencepiece, which text/file fills from a spiece.model: its normalisation,
 * and its best path through the pieces.
 *
 * Ours and not the library's own code, for two reasons. Ties: the version that is common today adds
 * scores in single precision, libsentencepiece 0.1.97 (Debian 12) compares in double, and texts as
 * short as "s's's" get other ids from it. Safety: the library follows a model's character map
 * without looking whether it stays inside. */
#ifndef VIT_SPIECE_H
#define VIT_SPIECE_H

#include "charsmap.h"
#include "unigram.h"

/* Starts all zero. */
typedef struct vit__spiece {
    vit__unigram *unigram; /* of the normal pieces */
    vit__lexicon names;    /* of all pieces; the value is the id */
    vit__charsmap charsmap;
    bool prefix_space; /* a space goes in front of a text */
    bool squeeze;      /* spaces are trimmed, and runs of them are one */
    bool mark_spaces;  /* as U+2581 */
} vit__spiece;

void vit__spiece_free(vit__spiece *spiece);

/* Id of a piece; that of the unknown one if there is no such piece. */
uint32_t vit__spiece_id(const vit__spiece *spiece, const char *piece);

/* Appends the ids of a text. ids->failed: out of memory. */
void vit__spiece_encode(const vit__spiece *spiece, const char *text, size_t size, vit__ids *ids);

#endif
