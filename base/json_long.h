/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long strings of a JSON document, set aside before jansson parses it. jansson reads a string byte by byte into a
 * buffer that doubles: for a picture in base64 that takes longer than to decode the picture.
 *
 *     ["data:image/jpeg;base64,/9j/4AAQ...", 7]    becomes    ["<mark>0", 7]
 */
#ifndef VIT_JSON_LONG_H
#define VIT_JSON_LONG_H

#include "buffer.h"

#define VIT__JSON_LONG 4096 /* bytes of a string from which on it is set aside */

typedef struct vit__json_string_bytes {
    const char *bytes; /* in the document */
    size_t size;
    bool escapes; /* some bytes are those of escapes */
} vit__json_string_bytes;

typedef struct vit__json_long {
    vit__buffer text;                /* the document, with marks */
    vit__json_string_bytes *strings; /* [n] */
    size_t n, capacity;
} vit__json_long;

/* Sets aside the values that are long strings of plain ASCII, in which "\/" and the like are the only escapes. The text
 * has marks in their places, and is valid where the document is. false: there is no such string, the document has what
 * could be taken for a mark, or there is no memory; then the document is to be parsed as it is. Freed with
 * vit__json_long_free in any case. */
bool vit__json_set_aside(const char *document, size_t size, vit__json_long *aside);
/* The string that a mark stands for. NULL: this is no mark. */
const vit__json_string_bytes *vit__json_long_find(const vit__json_long *aside, const char *string);
/* The string without its escapes, as bytes [string->size]. How many there are. */
size_t vit__json_long_unescape(const vit__json_string_bytes *string, char *bytes);
/* The column in the document of a column in the text with marks, both in characters from 1 on. Strings have no line
 * breaks, so lines are the same in both. Where a string of 5,000 letters has the mark "<mark>0" in its place, column 14
 * of the text is column 5,012 of the document. */
size_t vit__json_long_column(const vit__json_long *aside, size_t line, size_t column);
/* Has a message the text of a mark in it? */
bool vit__json_long_has_mark(const char *message);
void vit__json_long_free(vit__json_long *aside);

#endif
