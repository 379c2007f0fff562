/* SPDX-License-Identifier: BSD-2-Clause */
/* --where: a condition on what is known about images, in the part of SQL that all stores have:
 * columns, numbers, 'strings', comparisons, AND OR NOT IN BETWEEN LIKE IS NULL CASE, and a few
 * functions. Nothing else passes, so that the text can be put into a statement as it is. */
#ifndef CLI_WHERE_H
#define CLI_WHERE_H

#include <stdbool.h>

#include "text.h"

typedef struct cli_where {
    const char *text; /* NULL: no condition */
} cli_where;

/* Whose SQL. */
typedef enum cli_dialect { CLI_DIALECT_SQLITE, CLI_DIALECT_POSTGRES } cli_dialect;

/* NULL if the condition is well-formed; otherwise what is wrong, valid until the next call. */
const char *cli_where_refusal(const cli_where *where);

/* Appends the condition in parentheses; only what was not refused. */
void cli_where_sql(const cli_where *where, cli_dialect dialect, cli_text *sql);

#endif
