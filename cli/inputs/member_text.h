/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands beside an image in a tar file, made ready for a line of JSON. Nothing here is trusted: the bytes may be
 * anything. */
#ifndef CLI_MEMBER_TEXT_H
#define CLI_MEMBER_TEXT_H

#include <stddef.h>

/* The JSON value in bytes, as it is written there but without white space between its parts, so that
 * it fits on one line and no number changes. NULL, with *why, if it is none. Freed with free(). */
char *cli_member_json(const void *bytes, size_t size, const char **why);

/* The text as a terminated string. NULL, with *why, if it cannot be one. Freed with free(). */
char *cli_member_text(const void *bytes, size_t size, const char **why);

#endif
