/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of standard input, whatever bytes they hold. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

typedef struct cli_lines {
    size_t longest; /* bytes kept of a line */
    char *block;    /* read and not yet looked at */
    size_t at, size;
    bool ended, failed;
    cli_text line; /* without its line feed */
    bool cut;      /* it had more bytes than are kept */
    size_t number; /* of this line, from 1 */
} cli_lines;

/* longest: bytes of a line that are kept; the rest of a longer line is dropped. Freed with cli_lines_free. */
void cli_lines_start(cli_lines *lines, size_t longest);
/* Is the next byte read already? If not, looking for the next line may wait for someone to write it. */
bool cli_lines_at_hand(const cli_lines *lines);
/* false: there are no more lines, or reading failed (which is then said on stderr, and lines->failed). */
bool cli_lines_next(cli_lines *lines);
void cli_lines_free(cli_lines *lines);

#endif
