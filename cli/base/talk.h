/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command says on stderr: every message is one line that starts with "vit: ", whatever a file is called. */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "vit/vit.h"

void cli_error(const char *format, ...) VIT_PRINTF(1, 2);
/* Left out with --quiet. */
void cli_note(const char *format, ...) VIT_PRINTF(1, 2);
void cli_set_quiet(bool quiet);
bool cli_is_quiet(void);
/* Does a person read along: is stderr a terminal, and was --quiet not given? */
bool cli_is_watched(void);

/* "WHERE: MESSAGE" of a library error that is not an input's. */
void cli_library_error(const vit_error *error);
/* "PATH: CODE: MESSAGE" of an input that failed. */
void cli_input_error(const char *path, const vit_error *error);

/* One line that is written over by the next status or message; cli_status_end leaves the last one standing. */
void cli_status_line(const char *line);
void cli_status_end(void);

#endif
