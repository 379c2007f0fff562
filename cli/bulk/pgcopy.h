/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL's binary COPY format (its manual, COPY, "Binary Format") with
 * pgvector's two types: a start, rows of so many fields, an end. All numbers are
 * big-endian. Everything is appended to a text; nothing here knows a connection. */
#ifndef CLI_PGCOPY_H
#define CLI_PGCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define CLI_PG_DIMENSIONS_MAX 16000 /* of vector and of halfvec */

void cli_pg_start(cli_text *bytes);
void cli_pg_end(cli_text *bytes);

/* A row begins with its number of fields; that many of the following come after it. */
void cli_pg_row(cli_text *bytes, uint16_t fields);
void cli_pg_null(cli_text *bytes);
void cli_pg_int64(cli_text *bytes, int64_t value); /* bigint */
/* text. PostgreSQL takes UTF-8 only: a byte that is none becomes the six characters \udcXX, as in our JSON. */
void cli_pg_text(cli_text *bytes, const char *string);
void cli_pg_bytes(cli_text *bytes, const void *data, size_t size); /* bytea, or any type's bytes as they are */
/* vector, or with `half` halfvec; n <= CLI_PG_DIMENSIONS_MAX. */
void cli_pg_vector(cli_text *bytes, const float *values, size_t n, bool half);

#endif
