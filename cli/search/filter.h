/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that say which images of an index a command is about. */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "options.h"
#include "vit/index.h"

extern const cli_option cli_filter_table[]; /* fills a vit_index_filter */

/* CLI_USAGE, with a message, if a condition is not well-formed. */
cli_exit cli_filter_check(const cli_command *command, const vit_index_filter *filter);
void cli_filter_free(vit_index_filter *filter);

#endif
