/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared libraries that few commands need, loaded by those: linked as usual, each would
 * cost every run of vit what it and the libraries behind it take to be relocated. */
#ifndef CLI_ON_DEMAND_H
#define CLI_ON_DEMAND_H

#include <stddef.h>

/* Where in a table of pointers a function's stands. */
typedef struct cli_function {
    const char *name;
    size_t offset;
} cli_function;

/* Fills the table from the library of this name, which stays for
 * good. NULL, or why that cannot be: then nothing is filled. */
const char *cli_on_demand(const char *library, const cli_function *functions, size_t n, void *table);

#endif
