/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables as RFC 4180 has them: fields between commas, quoted where they hold commas, quotes or ends of lines. Lines end
 * with a line feed, a carriage return, or both. The text may begin with a byte order mark. A zero byte is refused. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "file.h"

typedef struct cli_csv {
    char *at, *end;
    size_t line, next_line; /* the line where this record begins, and the next one; counted from 1 */
    char **fields;          /* [n] the fields of this record: texts inside of the bytes that were given */
    size_t n, room;
    const char *wrong; /* NULL, or why there is no further record */
    vit__buffer bytes; /* of cli_csv_open */
} cli_csv;

/* bytes[size + 1], the last of them 0: they are written into, and must live as long as the fields. */
void cli_csv_start(cli_csv *csv, char *bytes, size_t size);
/* The same of a file, whose text may be UTF-16 with a byte order mark. Freed with cli_csv_free in any case. */
vit_status cli_csv_open(cli_csv *csv, const char *path, const vit__file_kind *kind, vit_error *err);
/* The next record. false: there is none, or csv->wrong says what is wrong with it. */
bool cli_csv_next(cli_csv *csv);

/* Names of the column with the path of a picture, which end with NULL, the usual one first. */
extern const char *const cli_csv_paths[];
/* For the record with the names of columns: the number of the column that has the first of these names that is found.
 * csv->n: no column has one of them. */
size_t cli_csv_column(const cli_csv *csv, const char *const *names);

void cli_csv_free(cli_csv *csv);

#endif
