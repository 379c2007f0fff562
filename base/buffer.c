/* SPDX-License-Identifier: BSD-2-Clause */
#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "utf8.h"

void vit__buffer_add(vit__buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0 || buffer->failed)
        return;
    char *data = vit__grow(buffer->data, &buffer->capacity, buffer->size, size, 1);
    if (!data) {
        buffer->failed = true;
        return;
    }
    buffer->data = data;
    memcpy(data + buffer->size, bytes, size);
    buffer->size += size;
}

void vit__buffer_add_string(vit__buffer *buffer, const char *string)
{
    vit__buffer_add(buffer, string, strlen(string));
}

void vit__buffer_add_char(vit__buffer *buffer, uint32_t code_point)
{
    char bytes[4];
    vit__buffer_add(buffer, bytes, vit__utf8_encode(code_point, bytes));
}

void vit__buffer_format_list(vit__buffer *buffer, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    size_t size = length < 0 ? 0 : (size_t)length;
    char *data = length < 0 || buffer->failed
                     ? NULL
                     : vit__grow(buffer->data, &buffer->capacity, buffer->size, size + 1, 1); /* with its terminator */
    buffer->failed = !data;
    if (data) {
        buffer->data = data;
        vsnprintf(data + buffer->size, size + 1, format, again);
        buffer->size += size;
    }
    va_end(again);
}

void vit__buffer_format(vit__buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vit__buffer_format_list(buffer, format, arguments);
    va_end(arguments);
}

bool vit__buffer_reserve(vit__buffer *buffer, size_t capacity)
{
    if (buffer->failed || capacity <= buffer->capacity)
        return !buffer->failed;
    char *data = vit__realloc(buffer->data, capacity, 1);
    if (!data) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

const char *vit__buffer_terminate(vit__buffer *buffer)
{
    vit__buffer_add(buffer, "", 1);
    if (buffer->failed)
        return NULL;
    buffer->size--;
    return buffer->data;
}

void vit__buffer_clear(vit__buffer *buffer)
{
    buffer->size = 0;
}

void vit__buffer_swap(vit__buffer *a, vit__buffer *b)
{
    vit__buffer other = *a;
    *a = *b;
    *b = other;
}

void vit__buffer_free(vit__buffer *buffer)
{
    free(buffer->data);
    *buffer = (vit__buffer){0};
}
