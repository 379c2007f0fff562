/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of files: how many there may be, for who reads files and who is given their bytes, and
 * where they are put. */
#ifndef VIT_BYTE_LIMIT_H
#define VIT_BYTE_LIMIT_H

#include <inttypes.h>
#include <stddef.h>
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

/* Where `function` puts bytes that the caller is to free: NULL and 0 until there are some. */
static inline vit_status vit__start_bytes(const char *function, void **bytes, size_t *size,
                                          vit_error *err)
{
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    return bytes && size ? VIT_OK : vit__fail_null(err, function, bytes ? "size" : "bytes");
}

#endif
