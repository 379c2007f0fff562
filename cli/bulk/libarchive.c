/* SPDX-License-Identifier: BSD-2-Clause */
#include "libarchive.h"

#include <stddef.h>

#include "on_demand.h"

#define FILE_NAME "libarchive.so.13" /* since libarchive 3.1 */

cli_libarchive_table cli_libarchive;

static const cli_function functions[] = {
#define ROW(name) {#name, offsetof(cli_libarchive_table, name)},
    CLI_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

const char *cli_libarchive_load(void)
{
    if (cli_libarchive.archive_read_new)
        return NULL;
    return cli_on_demand(FILE_NAME, functions, sizeof functions / sizeof *functions, &cli_libarchive);
}
