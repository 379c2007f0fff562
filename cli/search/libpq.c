/* SPDX-License-Identifier: BSD-2-Clause */
#include "libpq.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "talk.h"

#define FILE_NAME "libpq.so.5" /* since PostgreSQL 8.2; functions are added, none goes */

cli_libpq_table cli_libpq;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define ROW(name) {#name, offsetof(cli_libpq_table, name)},
    CLI_LIBPQ_FUNCTIONS(ROW)
#undef ROW
};

bool cli_libpq_load(void)
{
    if (cli_libpq.PQconnectdb)
        return true;
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    cli_libpq_table table;
    for (size_t i = 0; library && i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            library = NULL;
        memcpy((char *)&table + functions[i].offset, &function, sizeof function);
    }
    if (library)
        cli_libpq = table;
    else
        cli_error("an index in PostgreSQL needs libpq: %s; install it (apt-get install libpq5)", dlerror());
    return library != NULL;
}
