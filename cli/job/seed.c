/* SPDX-License-Identifier: BSD-2-Clause */
#include "seed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *cli_set_seed(const cli_option *option, const char *value, void *field)
{
    (void)option;
    errno = 0;
    bool digits = *value && !value[strspn(value, "0123456789")];
    uint64_t seed = digits ? strtoull(value, NULL, 10) : 0;
    if (!digits || errno)
        return "a whole number from 0 to 18446744073709551615";
    *(cli_seed *)field = (cli_seed){true, seed};
    return NULL;
}
