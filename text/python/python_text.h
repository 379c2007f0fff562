/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods of Python's str, where tokenizers written in Python use them. They differ from Unicode's
 * own rules in white space (U+001C to U+001F are) and from mapping code point by code point in the
 * final sigma. */
#ifndef VIT_PYTHON_TEXT_H
#define VIT_PYTHON_TEXT_H

#include "buffer.h"

/* str.lower() */
void vit__python_lower(const char *text, size_t size, vit__buffer *out);
/* " ".join(text.split()) */
void vit__python_join_split(const char *text, size_t size, vit__buffer *out);
/* Bytes of white space at the start and at the end. */
size_t vit__python_left_space(const char *text, size_t size);
size_t vit__python_right_space(const char *text, size_t size);
/* text.translate(...) that deletes string.punctuation (ASCII); underscore_is_space: '_' becomes a
 * space instead. */
void vit__python_delete_punctuation(const char *text, size_t size, bool underscore_is_space, vit__buffer *out);

#endif
