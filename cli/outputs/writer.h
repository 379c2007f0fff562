/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors to a file or to stdout. A format is a row of a table: adding one is adding a row. */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "claims.h"
#include "inputs.h"
#include "output_file.h"

extern const char *const cli_format_names[];
typedef enum cli_format {
    CLI_FORMAT_NPY,
    CLI_FORMAT_JSONL,
    CLI_FORMAT_CSV,
    CLI_FORMAT_RAW,
    CLI_FORMAT_FVECS,
    CLI_FORMAT_PGCOPY
} cli_format;

/* What is written: one vector [columns], or with `matrix` [rows,columns], for each input. */
typedef struct cli_vectors {
    size_t rows, columns;
    bool matrix;
    bool half; /* stored as f16 */
} cli_vectors;

typedef struct cli_writer cli_writer;

/* *format is a cli_format, or CLI_BY_NAME: then it becomes the format that the name after -o asks for, and npy for a
 * name that asks for none. CLI_USAGE, with a message: the name asks for another format than *format. */
cli_exit cli_writer_choose(const cli_command *command, const char *path, int *format);
/* Claims the file after -o, and what stands beside it. CLI_USAGE, with a message: one of them must
 * not be written. */
cli_exit cli_writer_claim(const cli_command *command, cli_format format, const char *path);

const char *cli_format_extension(cli_format format); /* ".npy" */

/* NULL; or why the format cannot hold these vectors, or cannot be written to this path. "-" is standard output. */
const char *cli_writer_refusal(cli_format format, const cli_vectors *vectors, const char *path);

/* NULL, with a message, if the output cannot be written. */
cli_writer *cli_writer_open(cli_format format, const cli_vectors *vectors, const char *path);

/* The same for a part of a larger result: rows are written, but no failures and no metadata. */
cli_writer *cli_writer_open_part(cli_format format, const cli_vectors *vectors, const char *path);

/* These print what goes wrong; false is CLI_OUTPUT. */
bool cli_writer_row(cli_writer *writer, const cli_input *input, const float *values);
bool cli_writer_failure(cli_writer *writer, const cli_input *input);
bool cli_writer_flush(cli_writer *writer);

size_t cli_writer_rows(const cli_writer *writer);
/* Does the format want metadata beside the file? */
bool cli_writer_has_metadata(const cli_writer *writer);

/* Makes the files appear. Frees the writer in every case. metadata: JSON text, or NULL. If no row was written and a
 * file of an earlier run is there, this file stays, with its sidecars (cli_file_keep_older). */
bool cli_writer_commit(cli_writer *writer, const cli_text *metadata);
void cli_writer_discard(cli_writer *writer); /* takes NULL */

/* How all JSON names an input, without braces: "path":..., or for a text "text":...; for a row of a file of pixels or
 * token ids "index":... too, and for a member of a tar file "tar":... too. */
void cli_json_input(cli_text *text, const cli_input *input);
/* The same, and the files that came with a member of a tar file: "json":..., "text":... */
void cli_json_result(cli_text *text, const cli_input *input);
/* A line of its own: {"path":...,"error":{...}} */
void cli_json_failure(cli_text *text, const cli_input *input);

#endif
