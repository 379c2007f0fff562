/* SPDX-License-Identifier: BSD-2-Clause */
/* A condition on what is known about images, in the part of SQL that all stores have: columns, numbers,
 * 'strings', comparisons, AND OR NOT IN BETWEEN LIKE IS NULL CASE, and a few functions. Nothing else
 * passes (vit_index_check_where), so that the text can be put into a statement as it is. */
#ifndef VIT_WHERE_H
#define VIT_WHERE_H

#include "buffer.h"
#include "vit/index.h"

/* Whose SQL is written. */
typedef enum vit__dialect { VIT__DIALECT_SQLITE, VIT__DIALECT_POSTGRES } vit__dialect;

/* Appends the condition in parentheses. vit_index_check_where has accepted it before. */
void vit__where_sql(const char *where, vit__dialect dialect, vit__buffer *sql);

#endif
