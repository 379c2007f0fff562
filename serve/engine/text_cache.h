/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors of words that were encoded before. The labels of a classifier in words come again with every picture. The
 * entry that was not asked for longest makes room for a new one. Not for several threads: the engine has a lock.
 */
#ifndef SERVE_TEXT_CACHE_H
#define SERVE_TEXT_CACHE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct serve_text_cache serve_text_cache;

serve_text_cache *serve_text_cache_create(size_t entries); /* NULL: 0 entries, or out of memory; NULL knows no words */
void serve_text_cache_free(serve_text_cache *cache);

/* Copies the vector of the words to vector[n]. owner is the model whose vector is wanted. *tokens: how many token
 * ids the words have. false: the words are not known, and nothing is written. */
bool serve_text_cache_get(serve_text_cache *cache, const void *owner, const char *words, size_t size, float *vector,
                          size_t n, size_t *tokens);
/* Keeps a copy of the words and of vector[n]. Where there is no memory nothing is kept. */
void serve_text_cache_put(serve_text_cache *cache, const void *owner, const char *words, size_t size,
                          const float *vector, size_t n, size_t tokens);

#endif
