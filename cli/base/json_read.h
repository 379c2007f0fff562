/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON objects that the command reads back, as trees of base's json.h. Running out of memory ends the command. */
#ifndef CLI_JSON_READ_H
#define CLI_JSON_READ_H

#include <stdint.h>

#include "json.h"

/* NULL: this is no JSON object. Freed with vit__json_free. */
vit__json *cli_json_parse(const void *bytes, size_t size);

/* The object in a regular file of at most `most` bytes. VIT_ERR_CORRUPT: it holds none. Where the file cannot be read,
 * err says why. *json is freed with vit__json_free, and NULL on failure. */
vit_status cli_json_load(const char *path, uint64_t most, vit__json **json, vit_error *err);

bool cli_json_is_true(const vit__json *value); /* false also: absent, or not a boolean */

/* The first key of the object whose value differs in the other, or is absent there. NULL: there is none. Its name lives
 * as long as the object. */
const char *cli_json_difference(const vit__json *object, const vit__json *other);

/* A value on one line, for messages; NULL gives "nothing". Freed with free(). */
char *cli_json_print(const vit__json *value);

#endif
