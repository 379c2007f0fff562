/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_write.h"

#include "error_code.h"
#include "json_text.h"

void cli_json_string(cli_text *text, const char *string)
{
    vit__json_put_name(text, string);
    cli_text_done(text);
}

void cli_json_float(cli_text *text, float value)
{
    vit__json_put_short_float(text, value);
    cli_text_done(text);
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

void cli_json_error(cli_text *text, const vit_error *error)
{
    cli_text_string(text, "{\"code\":");
    cli_json_string(text, cli_error_code(error->status));
    cli_text_string(text, ",\"message\":");
    cli_json_string(text, error->message);
    cli_text_add(text, "}", 1);
}
