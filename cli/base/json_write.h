/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON that the command writes, piece by piece. Always '.' in numbers: the command never leaves the C locale. */
#ifndef CLI_JSON_WRITE_H
#define CLI_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* A quoted string, of which no byte is lost (vit__json_put_name). NULL: null. */
void cli_json_string(cli_text *text, const char *string);

/* The fewest digits that give the same float back; the value is finite. */
void cli_json_float(cli_text *text, float value);

/* [a,b,...], or rows of them where rows > 1 (or `nested`). */
void cli_json_matrix(cli_text *text, const float *values, size_t rows, size_t columns, bool nested);

/* {"code":...,"message":...} of an input's failure. */
void cli_json_error(cli_text *text, const vit_error *error);

#endif
