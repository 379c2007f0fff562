/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for a terminal. A file name, a caption or a checkpoint's label may hold line breaks and terminal commands:
 * they are shown, not obeyed. "a\x1b[2Jb", which would clear the screen, becomes the characters "a\\x1b[2Jb".
 */
#ifndef CLI_VISIBLE_H
#define CLI_VISIBLE_H

#include <stddef.h>

#include "text.h"

#define CLI_VISIBLE_MOST 4 /* characters that a byte may become */

/* Writes the string to shown, which has room for CLI_VISIBLE_MOST characters a byte, and answers how
 * many it wrote (without a NUL at the end). A line break becomes \n; other control characters (U+0001
 * to U+001F, U+007F to U+009F) and bytes that are not UTF-8 become \x and two digits each byte. */
size_t cli_visible(const char *string, char *shown);

#endif
