/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Bytes of the character at `at`, or 0: it is no UTF-8, or is cut off by the end. */
static size_t character(const char *at, size_t left)
{
    unsigned char room[5] = {0}; /* terminated: nothing behind the end is looked at */
    memcpy(room, at, left < 4 ? left : 4);
    return vit__utf8_valid_length(room);
}

/* What a byte that is no UTF-8 becomes. */
typedef enum stray { REPLACED, KEPT } stray;

static unsigned stray_unit(unsigned char byte, stray strays)
{
    return strays == KEPT ? 0xDC00u + byte : 0xFFFDu;
}

static void put_escaped(vit__buffer *buffer, unsigned char byte, stray strays)
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
    snprintf(text, sizeof text, "\\u%04x", byte < 0x80 ? (unsigned)byte : stray_unit(byte, strays));
    vit__buffer_add_string(buffer, text);
}

static void put_quoted(vit__buffer *buffer, const char *bytes, size_t size, stray strays)
{
    vit__buffer_add(buffer, "\"", 1);
    for (size_t i = 0; i < size;) {
        unsigned char byte = (unsigned char)bytes[i];
        size_t length = byte == 0 ? 1 : character(bytes + i, size - i);
        bool plain = length > 1 || (length == 1 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F);
        if (plain)
            vit__buffer_add(buffer, bytes + i, length);
        else
            put_escaped(buffer, byte, strays);
        i += length ? length : 1;
    }
    vit__buffer_add(buffer, "\"", 1);
}

static void put_string(vit__buffer *buffer, const char *string, stray strays)
{
    if (string)
        put_quoted(buffer, string, strlen(string), strays);
    else
        vit__buffer_add_string(buffer, "null");
}

void vit__json_put_bytes(vit__buffer *buffer, const char *bytes, size_t size)
{
    put_quoted(buffer, bytes, size, REPLACED);
}

void vit__json_put_string(vit__buffer *buffer, const char *string)
{
    put_string(buffer, string, REPLACED);
}

void vit__json_put_name(vit__buffer *buffer, const char *string)
{
    put_string(buffer, string, KEPT);
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

void vit__json_put_short_float(vit__buffer *buffer, float value)
{
    char digits[32];
    /* Nine significant digits always give a float back; most need fewer. */
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if (strtof(digits, NULL) == value)
            break;
    }
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
