/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of nettle's base64 that is used: the alphabet with + and /, with padding (RFC 4648, section 4). */
#ifndef VIT_BASE64_TEXT_H
#define VIT_BASE64_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Characters that n bytes become: 4 for 1, 2 or 3 bytes. */
#define VIT__BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Writes VIT__BASE64_SIZE(size) characters, and no terminator. */
void vit__base64_encode(const void *bytes, size_t size, char *text);

/* The most bytes that a text of so many characters can stand for. */
size_t vit__base64_room(size_t size);
/* bytes[vit__base64_room(size)]; *n of them are filled. false: the text is no base64, or its end is missing. */
bool vit__base64_decode(const char *text, size_t size, void *bytes, size_t *n);

#endif
