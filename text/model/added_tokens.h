/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens that are cut out of a text before any other step. The leftmost token is cut out first; of several that start
 * at the same place, the longest. */
#ifndef VIT_ADDED_TOKENS_H
#define VIT_ADDED_TOKENS_H

#include "lexicon.h"

typedef struct vit__added_token {
    uint32_t id;
    bool eats_left, eats_right; /* white space around it goes with it */
} vit__added_token;

typedef struct vit__added_tokens {
    vit__lexicon contents; /* the value is the index of the token */
    vit__added_token *tokens;
    size_t n, capacity;
    bool failed;
} vit__added_tokens;

void vit__added_tokens_add(vit__added_tokens *tokens, const char *content, size_t size, vit__added_token token);
void vit__added_tokens_finish(vit__added_tokens *tokens);
void vit__added_tokens_free(vit__added_tokens *tokens);

typedef struct vit__added_match {
    size_t start, end; /* with the white space */
    uint32_t id;       /* VIT__NO_ID: no more tokens, start and end are the text's end */
} vit__added_match;

/* The first token at byte `from` or later. */
vit__added_match vit__added_tokens_next(const vit__added_tokens *tokens, const char *text, size_t size, size_t from);

#endif
