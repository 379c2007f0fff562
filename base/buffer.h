/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that grow. An addition that finds no memory sets `failed` and leaves the bytes as they
 * were, so that a chain of additions is checked once, at its end. A buffer starts all zero. */
#ifndef VIT_BUFFER_H
#define VIT_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vit/export.h"

typedef struct vit__buffer {
    char *data; /* not terminated; NULL until the first addition */
    size_t size, capacity;
    bool failed;
} vit__buffer;

void vit__buffer_add(vit__buffer *buffer, const void *bytes, size_t size);
void vit__buffer_add_string(vit__buffer *buffer, const char *string);
void vit__buffer_add_char(vit__buffer *buffer, uint32_t code_point); /* as UTF-8 */
void vit__buffer_format(vit__buffer *buffer, const char *format, ...) VIT_PRINTF(2, 3);
void vit__buffer_format_list(vit__buffer *buffer, const char *format, va_list arguments) VIT_PRINTF(2, 0);
/* Takes memory for exactly `capacity` bytes in all. false: out of memory. */
bool vit__buffer_reserve(vit__buffer *buffer, size_t capacity);
/* Puts a NUL behind the bytes, which is not counted in size: data can be read as a C string until the next addition.
 * NULL: out of memory. */
const char *vit__buffer_terminate(vit__buffer *buffer);
void vit__buffer_clear(vit__buffer *buffer); /* keeps the memory */
void vit__buffer_swap(vit__buffer *a, vit__buffer *b);
void vit__buffer_free(vit__buffer *buffer);

#endif
