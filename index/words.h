/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of scripts that put no spaces between words, for an index of words: each character of Chinese and Japanese
 * is set apart, so that any part of such a run can be found as a phrase. "red 公園2024" becomes "red  公  園
 * 2024". */
#ifndef VIT_WORDS_H
#define VIT_WORDS_H

#include "buffer.h"

/* Han, Hiragana, Katakana. */
bool vit__is_unspaced(uint32_t code_point);

/* Adds the text, valid UTF-8 or not, with spaces around each such character. */
void vit__add_words(vit__buffer *buffer, const char *text, size_t size);

/* Bytes of the character at `at`, and what it is; a byte that is no UTF-8 is one by itself. */
size_t vit__word_character(const char *at, size_t left, uint32_t *code_point);

#endif
