/* SPDX-License-Identifier: BSD-2-Clause */
#include "mhd.h"

#include "library.h"

serve_mhd_table serve_mhd;

static const vit__library_function functions[] = {
#define FUNCTION(name) {#name, &serve_mhd.name},
    SERVE_MHD_FUNCTIONS(FUNCTION)
#undef FUNCTION
};

static vit__library library = {
    .file = "libmicrohttpd.so.12", .functions = functions, .n = sizeof functions / sizeof *functions};

const char *serve_mhd_load(void)
{
    return vit__library_load(&library) ? NULL : library.why;
}
