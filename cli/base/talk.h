/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command says on stderr: every message is one line that starts with "vit: ", whatever a file is called. */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "vit/vit.h"

void cli_error(const char *format, ...) VIT_PRINTF(1, 2);
/* A message that --quiet leaves out. */
void cli_note(const char *format, ...) VIT_PRINTF(1, 2);
void cli_set_quiet(bool quiet);
bool cli_is_quiet(void);
/* Does a person read along: is stderr a terminal, and was --quiet not given? */
bool cli_is_watched(void);

/* Prints "WHERE: MESSAGE": an error of a library that is not about an input. */
void cli_library_error(const vit_error *error);
/* Prints "PATH: CODE: MESSAGE": why an input failed. */
void cli_input_error(const char *path, const vit_error *error);

/* Prints a line that the next status or message overwrites. After cli_status_end the last line stays. */
void cli_status_line(const char *line);
void cli_status_end(void);

#endif
