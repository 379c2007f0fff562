/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures that are the same file, byte for byte. */
#ifndef CLI_TWINS_H
#define CLI_TWINS_H

#include "items.h"

/* How an item stands to others with the same bytes. */
typedef enum cli_twin {
    CLI_TWIN_NONE,
    CLI_TWIN_AGREES,     /* all of them have one label */
    CLI_TWIN_CONTRADICTS /* they have two */
} cli_twin;

/* twins[items->n]. Only files of one size are read. A file that cannot be read has no twin. */
void cli_twins_find(const cli_items *items, cli_twin *twins);

#endif
