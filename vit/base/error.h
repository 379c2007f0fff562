/* SPDX-License-Identifier: BSD-2-Clause */
/* How errors are made inside: vit_error_set under the name of the house, and the words used most. */
#ifndef VIT_ERROR_H
#define VIT_ERROR_H

#include "vit/vit.h"

#define vit__fail vit_error_set

/* VIT_ERR_OUT_OF_MEMORY with the usual words. */
static inline vit_status vit__fail_memory(vit_error *err, const char *where)
{
    return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, where, "out of memory");
}

#endif
