/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static void add_escaped(cli_text *text, unsigned char byte)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* byte, letter */
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((unsigned char)names[i] == byte) {
            cli_text_format(text, "\\%c", names[i + 1]);
            return;
        }
    }
    cli_text_format(text, "\\u%04x", byte < 0x80 ? (unsigned)byte : 0xDC00u + byte);
}

void cli_json_string(cli_text *text, const char *string)
{
    if (!string) {
        cli_text_string(text, "null");
        return;
    }
    cli_text_add(text, "\"", 1);
    const unsigned char *at = (const unsigned char *)string;
    while (*at) {
        size_t length = vit__utf8_valid_length(at);
        bool plain = length > 1 || (length == 1 && *at >= 0x20 && *at != '"' && *at != '\\' && *at != 0x7F);
        if (plain)
            cli_text_add(text, at, length);
        else
            add_escaped(text, *at);
        at += length ? length : 1;
    }
    cli_text_add(text, "\"", 1);
}

void cli_json_float(cli_text *text, float value)
{
    char digits[32];
    /* Nine significant digits always give a float back; most need fewer. */
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if (strtof(digits, NULL) == value)
            break;
    }
    cli_text_string(text, digits);
}

static void add_row(cli_text *text, const float *values, size_t n)
{
    cli_text_add(text, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            cli_text_add(text, ",", 1);
        cli_json_float(text, values[i]);
    }
    cli_text_add(text, "]", 1);
}

void cli_json_matrix(cli_text *text, const float *values, size_t rows, size_t columns, bool nested)
{
    if (!nested) {
        add_row(text, values, rows * columns);
        return;
    }
    cli_text_add(text, "[", 1);
    for (size_t row = 0; row < rows; row++) {
        if (row > 0)
            cli_text_add(text, ",", 1);
        add_row(text, values + row * columns, columns);
    }
    cli_text_add(text, "]", 1);
}

const char *cli_error_code(vit_status status)
{
    switch (status) {
    case VIT_ERR_NOT_FOUND:
    case VIT_ERR_UNREADABLE:
    case VIT_ERR_UNSUPPORTED_FORMAT:
    case VIT_ERR_CORRUPT:
    case VIT_ERR_TRUNCATED:
    case VIT_ERR_TOO_LARGE:
    case VIT_ERR_OUT_OF_MEMORY:
    case VIT_ERR_NON_FINITE:
        return vit_status_name(status);
    case VIT_ERR_INVALID_ARGUMENT: /* a picture that the preprocessing or the model cannot take, such as a wrong size */
        return vit_status_name(VIT_ERR_UNSUPPORTED_FORMAT);
    default:
        return vit_status_name(VIT_ERR_INTERNAL);
    }
}

void cli_json_error(cli_text *text, const vit_error *error)
{
    cli_text_string(text, "{\"code\":");
    cli_json_string(text, cli_error_code(error->status));
    cli_text_string(text, ",\"message\":");
    cli_json_string(text, error->message);
    cli_text_add(text, "}", 1);
}
