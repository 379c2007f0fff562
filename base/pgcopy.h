/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL's binary COPY format (its manual, COPY, "Binary Format") with
 * pgvector's two types: a start, rows of so many fields, an end. All numbers are
 * big-endian. Everything is appended to a buffer; nothing here knows a connection. */
#ifndef VIT_PGCOPY_H
#define VIT_PGCOPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "limit.h"

void vit__pg_start(vit__buffer *bytes);
void vit__pg_end(vit__buffer *bytes);

/* A row begins with its number of fields; that many of the following come after it. */
void vit__pg_row(vit__buffer *bytes, uint16_t fields);
void vit__pg_null(vit__buffer *bytes);
void vit__pg_int64(vit__buffer *bytes, int64_t value); /* bigint */
/* The string as PostgreSQL takes it, which is UTF-8 only: a byte that is none becomes the six characters \udcXX, as in
 * our JSON ("\xFF" becomes "\\udcff"). Without a size before it. */
void vit__pg_utf8(vit__buffer *text, const char *string);
/* text, through vit__pg_utf8. */
void vit__pg_text(vit__buffer *bytes, const char *string);
void vit__pg_bytes(vit__buffer *bytes, const void *data, size_t size); /* bytea, or any type's bytes as they are */
/* vector, or with `half` halfvec; n <= VIT__LIMIT_POSTGRES_DIMENSIONS. */
void vit__pg_vector(vit__buffer *bytes, const float *values, size_t n, bool half);

#endif
