/* SPDX-License-Identifier: BSD-2-Clause */
#include "libpq.h"

#include "library.h"

vit__libpq_table vit__libpq;

static const vit__library_function functions[] = {
#define ROW(name) {#name, &vit__libpq.name},
    VIT__LIBPQ_FUNCTIONS(ROW)
#undef ROW
};

/* Since PostgreSQL 8.2; functions are added, none goes. */
static vit__library library = {"libpq.so.5", functions, sizeof functions / sizeof *functions, NULL, 0, ""};

vit_status vit__libpq_load(vit_error *err)
{
    if (vit__library_load(&library))
        return VIT_OK;
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, NULL,
                     "an index in PostgreSQL needs libpq: %s; install it (apt-get install libpq5)", library.why);
}
