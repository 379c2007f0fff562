/* SPDX-License-Identifier: BSD-2-Clause */
/* The limit on the size of a file, for those who read files and those who are given their bytes. */
#ifndef VIT_BYTE_LIMIT_H
#define VIT_BYTE_LIMIT_H

#include <inttypes.h>
#include <stdint.h>

#include "error.h"

#define VIT_MAX_BYTES (UINT64_C(1) << 30)

static inline uint64_t vit__byte_limit(uint64_t max_bytes)
{
    return max_bytes ? max_bytes : VIT_MAX_BYTES;
}

static inline vit_status vit__fail_bytes(vit_error *err, const char *name, uint64_t max_bytes)
{
    return vit__fail(err, VIT_ERR_TOO_LARGE, name, "more than the limit of %" PRIu64 " bytes", max_bytes);
}

#endif
