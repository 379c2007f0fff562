/* SPDX-License-Identifier: BSD-2-Clause */
#include "libarchive.h"

#include <pthread.h>
#include <stddef.h>

#include "on_demand.h"
#include "text.h"

#define FILE_NAME "libarchive.so.13" /* since libarchive 3.1 */

cli_libarchive_table cli_libarchive;

static const cli_function functions[] = {
#define ROW(name) {#name, offsetof(cli_libarchive_table, name)},
    CLI_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

static char *failure; /* NULL: none */

static void load(void)
{
    const char *why = cli_on_demand(FILE_NAME, functions, sizeof functions / sizeof *functions, &cli_libarchive);
    failure = why ? cli_duplicate(why) : NULL;
}

const char *cli_libarchive_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return failure;
}
