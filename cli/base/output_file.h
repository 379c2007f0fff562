/* SPDX-License-Identifier: BSD-2-Clause */
/* Where results go: standard output, or a file. A file appears whole or not at all: it is written under another name,
 * synced, and renamed. All functions print their errors. The exit status of a failure is CLI_OUTPUT. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "command.h"
#include "text.h"

typedef struct cli_file {
    FILE *stream;    /* NULL: not open, or settled */
    char *path;      /* the final name; "standard output" */
    char *temporary; /* NULL: written in place (stdout, a device, a pipe) */
    bool is_stdout;
    bool is_terminal; /* a person reads along: names are shown, not obeyed (cli_text_name) */
} cli_file;

/* path "-" or NULL is stdout. On failure *file is all zero. */
bool cli_file_open(cli_file *file, const char *path);
/* Could it be opened? For results that come at the end of long work. Leaves nothing behind. */
bool cli_file_try(const char *path);
bool cli_file_write(cli_file *file, const void *bytes, size_t size);
/* Writes at the start and goes back to the end. */
bool cli_file_rewrite_start(cli_file *file, const void *bytes, size_t size);
bool cli_file_flush(cli_file *file);
/* Writes everything out and closes the file, which then only has to be renamed. A command with several files settles
 * all of them, which may fail, before it commits the first. */
bool cli_file_settle(cli_file *file);
/* Makes the file appear under its name; settles it first if that was not done. *file is all zero afterwards in every
 * case. */
bool cli_file_commit(cli_file *file);
/* For a run that has no result. If an older file stands under the name, the older file stays: stderr says so,
 * the new file is discarded, and the answer is true. An example: after `vit embed -o x.npy a.jpg` the command
 * `vit embed -o x.npy mistyped.jpg` leaves the vector of a.jpg in x.npy. false: no older file is there. */
bool cli_file_keep_older(cli_file *file);
/* Closes and removes a file that was not committed. *file may be all zero. */
void cli_file_discard(cli_file *file);

/* Is the output a device or a pipe? Then no other file can be written beside it. */
bool cli_file_is_special(const cli_file *file);

/* Adds a name, a label or a caption for this file: as it is, or for a terminal as cli_text_visible shows it. */
void cli_text_name(cli_text *text, const char *name, const cli_file *file);
/* The same as a field of CSV. */
void cli_text_csv_name(cli_text *text, const char *name, const cli_file *file);

/* Text to stdout, all of it: CLI_DONE or CLI_OUTPUT. */
cli_exit cli_print(const cli_text *text);

#endif
