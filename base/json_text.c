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

/* Writes a number of nine digits, the first of which stands for 10^exponent: 123400000 and 1 are "12.34". */
static size_t put_nine(uint32_t number, int exponent, char *text)
{
    char digits[9], *at = text;
    int last = 8;
    for (int i = 8; i >= 0; i--, number /= 10)
        digits[i] = (char)('0' + number % 10);
    while (last > exponent && last > 0 && digits[last] == '0')
        last--;
    if (exponent < 0) {
        *at++ = '0';
        *at++ = '.';
    }
    for (int i = -1; i > exponent; i--)
        *at++ = '0';
    for (int i = 0; i <= last; i++) {
        *at++ = digits[i];
        if (i == exponent && i < last)
            *at++ = '.';
    }
    return (size_t)(at - text);
}

/* What "%.9g" writes for a size of 0.0001 or more and below 10^9. printf needs several times as long, which counts
 * where an answer has half a million numbers. 0: it is another size, or one whose last digit a double cannot decide.
 * The product below is wrong by 10^-7 at most: the float and the power of ten are exact, and the product is rounded
 * once. */
static size_t put_usual(double size, char *text)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    int exponent = 0;
    if (!(size >= 1e-4 && size < 1e9))
        return 0;
    while (exponent < 8 && size >= powers[exponent + 1])
        exponent++;
    while (size * powers[8 - exponent] < 1e8 && exponent > -4)
        exponent--;
    double scaled = size * powers[8 - exponent], whole = floor(scaled), rest = scaled - whole;
    if (fabs(rest - 0.5) < 1e-6)
        return 0;
    uint32_t number = (uint32_t)whole + (rest > 0.5);
    return number < 1000000000 ? put_nine(number, exponent, text) : 0;
}

void vit__json_put_float(vit__buffer *buffer, float value)
{
    char digits[32] = "-";
    if (!isfinite(value)) {
        vit__buffer_add_string(buffer, "null");
        return;
    }
    size_t length = put_usual(fabs((double)value), digits + 1);
    if (length > 0) {
        vit__buffer_add(buffer, value < 0 ? digits : digits + 1, length + (value < 0));
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
