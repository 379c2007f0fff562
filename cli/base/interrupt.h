/* SPDX-License-Identifier: BSD-2-Clause */
/* Ctrl-C and friends: unfinished files are removed and the command ends with status 130, at once, wherever it is. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers. From then on a write to a closed pipe, or past the limit on the size of files, is an error and
 * no signal. */
void cli_interrupt_install(void);

/* Sets the line that an interruption prints. The string must live for ever. NULL: the usual line. */
void cli_interrupt_say(const char *line);

/* Between these two calls an interruption waits: the work between them must not be cut in half. They may be nested. */
void cli_interrupt_hold(void);
void cli_interrupt_release(void);

/* Files to remove when the command is cut off. path must live until it is forgotten. false: too many. */
bool cli_temporary_remember(const char *path);
void cli_temporary_forget(const char *path);
void cli_remove_temporaries(void);

/* Removes unfinished files and ends the command at once with this status: for failures while threads are still at
 * work. */
_Noreturn void cli_give_up(int status);

#endif
