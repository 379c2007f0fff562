/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text files as they are written on other systems: with a byte order mark in front, or in
 * UTF-16, or with CR LF at the ends of lines. "\xEF\xBB\xBFcat\r\n" is the line "cat".
 */
#ifndef VIT_PLAIN_TEXT_H
#define VIT_PLAIN_TEXT_H

#include "buffer.h"

/* Bytes of a UTF-8 byte order mark at the start: 3, or 0. */
size_t vit__text_mark(const char *bytes, size_t size);

/* Does it start with a byte order mark of UTF-16? */
bool vit__text_is_utf16(const char *bytes, size_t size);

/* Makes a whole file UTF-8 without a mark; what is neither stays as it is. An unpaired
 * surrogate becomes U+FFFD. false: out of memory, and the text is as it was. */
bool vit__text_make_plain(vit__buffer *text);

#endif
