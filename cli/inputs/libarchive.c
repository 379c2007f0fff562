/* SPDX-License-Identifier: BSD-2-Clause */
#include "libarchive.h"

#include <stddef.h>

#include "library.h"

cli_libarchive_table cli_libarchive;

static const vit__library_function functions[] = {
#define ROW(name) {#name, &cli_libarchive.name},
    CLI_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

/* Since libarchive 3.1. */
static vit__library library = {"libarchive.so.13", functions, sizeof functions / sizeof *functions, NULL, 0, ""};

const char *cli_libarchive_load(void)
{
    return vit__library_load(&library) ? NULL : library.why;
}
