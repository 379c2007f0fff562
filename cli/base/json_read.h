/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON that the command reads back. jansson is behind this file. A value read from a document is borrowed from it;
 * getters take NULL, or a value of another type, and answer "absent". */
#ifndef CLI_JSON_READ_H
#define CLI_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_json cli_json;

/* Is this one JSON value, of any kind? A whole number may be of any size. */
bool cli_json_is_valid(const void *bytes, size_t size);

/* NULL: this is no JSON object. Freed with cli_json_free. */
cli_json *cli_json_parse(const void *bytes, size_t size);
/* The text of a document that is one JSON string, with its size
 * (it may hold U+0000). NULL: it is none. Freed with free(). */
char *cli_json_parse_string(const void *bytes, size_t size, size_t *length);
void cli_json_free(cli_json *json);

const cli_json *cli_json_get(const cli_json *object, const char *key); /* NULL: absent */
const char *cli_json_text_of(const cli_json *value);                   /* NULL: not a string */
bool cli_json_size_of(const cli_json *value, size_t *size);            /* false: not a whole number of at least 0 */
bool cli_json_number_of(const cli_json *value, double *number);        /* false: not a number */
bool cli_json_is_true(const cli_json *value);
size_t cli_json_length(const cli_json *value); /* of an array; else 0 */

const cli_json *cli_json_at(const cli_json *value, size_t index); /* of an array; NULL: absent */

/* The first key of the object whose value differs in the other, or is absent there. NULL: there is none. Its name lives
 * as long as the object. */
const char *cli_json_difference(const cli_json *object, const cli_json *other);

/* A value on one line, for messages; NULL gives "nothing". Freed with free(). */
char *cli_json_print(const cli_json *value);

#endif
