/* SPDX-License-Identifier: BSD-2-Clause */
/* `vit --version --licences`: what the command is made of, and under which terms. */
#ifndef CLI_LICENCES_H
#define CLI_LICENCES_H

#include "command.h"

/* Prints the table of parts and the texts of the licences of what is compiled in. */
cli_exit cli_print_licences(void);

#endif
