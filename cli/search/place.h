/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an index is, as the options of a command name it, and what the command says when the index fails. */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>

#include "options.h"
#include "vit/index.h"

typedef struct cli_place {
    const char *place; /* --db */
    const char *table; /* of PostgreSQL */
    int numbers;       /* vit_index_numbers of a new table */
} cli_place;

extern const cli_option cli_place_table[];       /* --db, --table */
extern const cli_option cli_place_write_table[]; /* these, and --vector-type */

/* For a place that is a file, and the files beside it (claims.h): the run writes into them; the run reads them.
 * CLI_DONE, or CLI_USAGE with a message. */
cli_exit cli_place_claim(const cli_command *command, const cli_place *place);
cli_exit cli_place_spare(const cli_place *place);

/* NULL, with a message. */
vit_index *cli_place_open(const cli_place *place, vit_index_mode mode, unsigned threads);

/* Says what went wrong with an index, and what to do about it with the options of a command. Running out of memory ends
 * the command. */
void cli_index_error(const char *place, const vit_error *error);
/* The same for a filter that the index cannot answer with. */
void cli_index_filter_error(const vit_index *index, const vit_index_filter *filter, const vit_error *error);
/* Prints the note of the index about the last call (vit_index_note), if there is one. */
void cli_index_note(const vit_index *index);

/* Where the file of an image of the index can be opened from here (vit_index_file). Freed with free(). */
char *cli_index_file(const vit_index *index, const char *path);

/* For calls whose failure ends the command: prints the error, if there is one, or else the note. true: the status is
 * VIT_OK. */
bool cli_index_is(const vit_index *index, vit_status status, const vit_error *error);

#endif
