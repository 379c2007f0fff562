/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for people to read: one member a line, no quotes and braces. */
#ifndef CLI_OUTLINE_H
#define CLI_OUTLINE_H

#include "text.h"

/* json is well-formed, as libvit writes it. Members of members are indented; long arrays are cut and counted. */
void cli_json_outline(const char *json, cli_text *text);

#endif
