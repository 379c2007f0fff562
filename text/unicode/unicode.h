/* SPDX-License-Identifier: BSD-2-Clause */
/* What Unicode says about characters and texts: the part of libunistring that is used. Texts are
 * valid UTF-8. */
#ifndef VIT_UNICODE_H
#define VIT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* Is this valid UTF-8 (no surrogates, nothing overlong)? If not, *offset is that of the first bad
 * byte. */
bool vit__unicode_check(const char *text, size_t size, size_t *offset);

/* What regular expressions call \p{L}, \p{N} and \s; everything else. */
typedef enum vit__char_class { VIT__LETTER, VIT__NUMBER, VIT__SPACE, VIT__OTHER } vit__char_class;

vit__char_class vit__unicode_class(uint32_t c);
bool vit__unicode_is_space(uint32_t c); /* White_Space */
bool vit__unicode_is_cased(uint32_t c);
bool vit__unicode_is_case_ignorable(uint32_t c);
bool vit__unicode_is_digit(uint32_t c); /* general category Nd */

/* Lower case of one code point, whatever stands around it: one code point, but for U+0130, which
 * gives two. */
void vit__unicode_add_lower(vit__buffer *buffer, uint32_t c);
/* Upper case of a text by the full mapping (so that one character may become several). */
void vit__unicode_add_upper(vit__buffer *buffer, const char *text, size_t size);

/* The text as it is compared where neither case nor the way accents are written matters:
 * case folded, then composed (NFC). "A\u0308PFEL" and "\u00e4pfel" become the same. */
void vit__unicode_add_folded(vit__buffer *buffer, const char *text, size_t size);

typedef enum vit__normal_form { VIT__NFC, VIT__NFD, VIT__NFKC, VIT__NFKD } vit__normal_form;
void vit__unicode_add_normal(vit__buffer *buffer, vit__normal_form form, const char *text, size_t size);

/* Bytes of the grapheme cluster at the start of the text. */
size_t vit__unicode_cluster(const char *text, size_t size);

#endif
