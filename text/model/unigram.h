/* SPDX-License-Identifier: BSD-2-Clause */
/* The Unigram model. A word is cut into pieces so that the sum of their scores is highest. Of two ways with the same
 * sum, the one that was found first is taken. A character without a piece is unknown, and neighbouring unknown
 * characters are one piece. The library `tokenizers` adds scores in double precision, sentencepiece in single
 * precision: so they may choose other ways where sums are nearly equal. */
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
