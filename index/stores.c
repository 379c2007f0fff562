/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of places where an index can be kept. */
#include <string.h>

#include "store.h"

#ifdef VIT_WITH_SQLITE
#define SQLITE_KIND &vit__store_sqlite
#else
#define SQLITE_KIND NULL
#endif
#ifdef VIT_WITH_POSTGRES
#define POSTGRES_KIND &vit__store_postgres
#else
#define POSTGRES_KIND NULL
#endif

/* The last row takes every place. */
static const vit__store_row rows[] = {
    {"postgresql://", "PostgreSQL (libpq)", POSTGRES_KIND},
    {"postgres://", "PostgreSQL (libpq)", POSTGRES_KIND},
    {"", "SQLite", SQLITE_KIND},
};

const vit__store_row *vit__store_row_of(const char *place)
{
    const vit__store_row *row = rows;
    while (strncmp(place, row->prefix, strlen(row->prefix)) != 0)
        row++;
    return row;
}
