/* SPDX-License-Identifier: BSD-2-Clause */
#include "on_demand.h"

#include <dlfcn.h>
#include <string.h>

const char *cli_on_demand(const char *library, const cli_function *functions, size_t n, void *table)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return dlerror();
    for (size_t i = 0; i < n; i++)
        if (!dlsym(handle, functions[i].name))
            return dlerror();
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(handle, functions[i].name);
        memcpy((char *)table + functions[i].offset, &function, sizeof function); /* C has no cast for this */
    }
    return NULL;
}
