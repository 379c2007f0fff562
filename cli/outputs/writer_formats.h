/* SPDX-License-Identifier: BSD-2-Clause */
/* The formats of vectors, each a row of a table. Everything is appended to a text; files are writer.c's. */
#ifndef CLI_WRITER_FORMATS_H
#define CLI_WRITER_FORMATS_H

#include "writer.h"

typedef struct cli_format_row {
    cli_kind kind;
    const char *extension;
    bool sidecars; /* paths, failures and metadata stand beside the file */
    bool failures; /* the file itself has a line for an input that failed */
    bool matrices; /* can hold [rows,columns] for each input */
    bool to_stdout;
    bool f32_only;
    size_t columns_max; /* 0: no limit */
    /* Each may be NULL: nothing. */
    void (*start)(cli_text *text, const cli_vectors *vectors);
    void (*row)(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values);
    void (*failure)(cli_text *text, const cli_input *input);
    void (*end)(cli_text *text);
    /* Writes what `start` wrote once more, in the same size, when the number of rows is known. */
    void (*restart)(cli_text *text, const cli_vectors *vectors, size_t rows);
} cli_format_row;

const cli_format_row *cli_format_row_of(cli_format format);

/* Names of the files beside a file of vectors. They begin with the base: the file's name, without the extension if it
 * is that of the format. They end as below. The file x.npy has the base "x", and its rows are in x.jsonl. An npy file
 * that is called x.dat has the base "x.dat". Freed with free(). */
#define CLI_ROWS_END ".jsonl"
#define CLI_FAILURES_END ".errors.jsonl"
#define CLI_METADATA_END ".meta.json"
char *cli_sidecar_base(const cli_format_row *format, const char *path);
char *cli_sidecar(const char *base, const char *end);

#endif
