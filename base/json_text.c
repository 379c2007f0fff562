/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Bytes of the character at `at`, or 0: it is no UTF-8, or is cut off by the end. */
static size_t character(const char *at, size_t left)
{
    unsigned char room[5] = {0}; /* terminated: nothing behind the end is looked at */
    memcpy(room, at, left < 4 ? left : 4);
    return vit__utf8_valid_length(room);
}

static void put_escaped(vit__buffer *buffer, unsigned char byte)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* byte, letter */
    char text[8];
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((unsigned char)names[i] == byte) {
            snprintf(text, sizeof text, "\\%c", names[i + 1]);
            vit__buffer_add_string(buffer, text);
            return;
        }
    }
    snprintf(text, sizeof text, "\\u%04x", byte < 0x80 ? (unsigned)byte : 0xFFFDu);
    vit__buffer_add_string(buffer, text);
}

void vit__json_put_bytes(vit__buffer *buffer, const char *bytes, size_t size)
{
    vit__buffer_add(buffer, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char byte = (unsigned char)bytes[i];
        size_t length = byte == 0 ? 1 : character(bytes + i, size - i);
        bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F);
        if (plain)
            vit__buffer_add(buffer, bytes + i, length);
        else
            put_escaped(buffer, byte);
        i += length ? length : 1;
    }
    vit__buffer_add(buffer, "\"", 1);
}

void vit__json_put_string(vit__buffer *buffer, const char *string)
{
    if (string)
        vit__json_put_bytes(buffer, string, strlen(string));
    else
        vit__buffer_add_string(buffer, "null");
}

void vit__json_put_float(vit__buffer *buffer, float value)
{
    char digits[32];
    if (!isfinite(value)) {
        vit__buffer_add_string(buffer, "null");
        return;
    }
    snprintf(digits, sizeof digits, "%.9g", (double)value);
    vit__buffer_add_string(buffer, digits);
}

void vit__json_put_floats(vit__buffer *buffer, const float *values, size_t n)
{
    vit__buffer_add(buffer, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            vit__buffer_add(buffer, ",", 1);
        vit__json_put_float(buffer, values[i]);
    }
    vit__buffer_add(buffer, "]", 1);
}
