/* SPDX-License-Identifier: BSD-2-Clause */
/* Ctrl-C and friends: unfinished files are removed and the command ends with status 130, at once, wherever it is. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* Installs the handlers; a write to a closed pipe, or past the limit
 * on the size of files, becomes an error instead of a signal. */
void cli_interrupt_install(void);

/* What is said then, from now on: a line that lives for ever. NULL: what is usually said. */
void cli_interrupt_say(const char *line);

/* Between these two an interruption waits: for what must not be cut in half. They nest. */
void cli_interrupt_hold(void);
void cli_interrupt_release(void);

/* Files to remove when the command is cut off. path must live until it is forgotten. false: too many. */
bool cli_temporary_remember(const char *path);
void cli_temporary_forget(const char *path);
void cli_remove_temporaries(void);

/* Ends the command here and now with this status, unfinished files removed: for failures with threads still at work. */
_Noreturn void cli_give_up(int status);

#endif
