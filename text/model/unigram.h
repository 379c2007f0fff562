/* SPDX-License-Identifier: BSD-2-Clause */
/* The Unigram model: the path of highest score through the pieces of a word, a later path taken
 * only when strictly better. Characters without a piece are unknown, and neighbouring unknowns are
 * one. The library `tokenizers` adds scores in double precision, sentencepiece in single: where
 * paths tie, it shows. */
#ifndef VIT_UNIGRAM_H
#define VIT_UNIGRAM_H

#include "lexicon.h"
#include "limit.h"
#include "text_model.h"

typedef struct vit__unigram {
    vit__text_model model;
    vit__lexicon pieces; /* the value is the id */
    double *scores;      /* by id */
    uint32_t unknown;
    double unknown_score;
    bool single_precision;
} vit__unigram;

/* Room for n pieces. NULL: out of memory. Freed through model.free. The caller fills pieces
 * (finished), scores, unknown and unknown_score. */
vit__unigram *vit__unigram_new(size_t n);

#endif
