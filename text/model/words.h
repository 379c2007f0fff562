/* SPDX-License-Identifier: BSD-2-Clause */
/* Words: spans of one text, which grow as a buffer does. Starts all zero. */
#ifndef VIT_WORDS_H
#define VIT_WORDS_H

#include "buffer.h"
#include "ids.h"

typedef struct vit__word {
    size_t start, size;
    uint32_t id; /* of a word that already is a token; VIT__NO_ID: the model finds its ids */
} vit__word;

typedef struct vit__words {
    vit__buffer text;
    vit__word *words;
    size_t n, capacity;
    bool failed; /* no memory */
} vit__words;

/* Adds the bytes to the text, and the word that they are. */
void vit__words_add(vit__words *words, const char *text, size_t size, uint32_t id);
/* The word from byte `start` of the text to its end. */
void vit__words_close(vit__words *words, size_t start);
void vit__words_clear(vit__words *words); /* keeps the memory */
void vit__words_free(vit__words *words);

#endif
