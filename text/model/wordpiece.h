/* SPDX-License-Identifier: BSD-2-Clause */
/* BERT's WordPiece: the longest token that begins the word, then the longest that continues it
 * ("##"), and so on. A word that cannot be covered so, or of too many characters, is one unknown
 * token. */
#ifndef VIT_WORDPIECE_H
#define VIT_WORDPIECE_H

#include "lexicon.h"
#include "text_model.h"

typedef struct vit__wordpiece {
    vit__text_model model;
    vit__lexicon tokens; /* finished by the caller */
    vit__buffer prefix;  /* of a token inside a word: "##" */
    uint32_t unknown;
    size_t longest_word; /* characters */
} vit__wordpiece;

/* NULL: out of memory. Freed through model.free. */
vit__wordpiece *vit__wordpiece_new(void);

#endif
