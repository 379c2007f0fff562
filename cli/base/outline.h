/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for people to read: one member a line, no quotes and braces. */
#ifndef CLI_OUTLINE_H
#define CLI_OUTLINE_H

#include "json.h"
#include "text.h"

/* Members of members are indented. An array of more than 12 elements is printed as its first 12, and how many there
 * are. */
void cli_json_outline(const vit__json *object, cli_text *text);

#endif
