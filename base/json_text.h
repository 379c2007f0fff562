/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON written piece by piece into a buffer, for documents with many numbers; json.h builds small ones as trees. */
#ifndef VIT_JSON_TEXT_H
#define VIT_JSON_TEXT_H

#include <stdint.h>

#include "buffer.h"

/* A quoted string of size bytes. A byte that is no UTF-8 becomes U+FFFD, so that the document stays well formed. */
void vit__json_put_bytes(vit__buffer *buffer, const char *bytes, size_t size);
/* The same of a string; NULL: null. */
void vit__json_put_string(vit__buffer *buffer, const char *string);
/* The same, but no byte is lost: a byte that is no UTF-8 becomes \udc80 .. \udcff, as Python's surrogateescape has it.
 * So a reader of the document can get back the name of any file. */
void vit__json_put_name(vit__buffer *buffer, const char *string);
/* Nine significant digits, which give the same float back. NaN and infinity become null. */
void vit__json_put_float(vit__buffer *buffer, float value);
/* The fewest digits that give the same float back: slower to write, shorter to read. The value is finite. */
void vit__json_put_short_float(vit__buffer *buffer, float value);
/* [a,b,...] */
void vit__json_put_floats(vit__buffer *buffer, const float *values, size_t n);

#endif
