/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON as text: the command only writes it. Always '.' in numbers: the command never leaves the C locale. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* A quoted string. Bytes that are not UTF-8 become \udc80 ..
 * \udcff, as Python's surrogateescape reads them. NULL: null. */
void cli_json_string(cli_text *text, const char *string);

/* The fewest digits that give the same float back; the value is finite. */
void cli_json_float(cli_text *text, float value);

/* [a,b,...], or rows of them where rows > 1 (or `nested`). */
void cli_json_matrix(cli_text *text, const float *values, size_t rows, size_t columns, bool nested);

/* {"code":...,"message":...} of an input's failure. */
void cli_json_error(cli_text *text, const vit_error *error);

/* The code of the contract for a status: what a user of the JSON may meet. */
const char *cli_error_code(vit_status status);

#endif
