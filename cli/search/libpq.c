/* SPDX-License-Identifier: BSD-2-Clause */
#include "libpq.h"

#include <stddef.h>

#include "on_demand.h"
#include "talk.h"

#define FILE_NAME "libpq.so.5" /* since PostgreSQL 8.2; functions are added, none goes */

cli_libpq_table cli_libpq;

static const cli_function functions[] = {
#define ROW(name) {#name, offsetof(cli_libpq_table, name)},
    CLI_LIBPQ_FUNCTIONS(ROW)
#undef ROW
};

bool cli_libpq_load(void)
{
    if (cli_libpq.PQconnectdb)
        return true;
    const char *why = cli_on_demand(FILE_NAME, functions, sizeof functions / sizeof *functions, &cli_libpq);
    if (why)
        cli_error("an index in PostgreSQL needs libpq: %s; install it (apt-get install libpq5)", why);
    return !why;
}
