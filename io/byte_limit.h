/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of pictures: how many there may be, for who reads files and who is given their bytes, and
 * where they are put. */
#ifndef VIT_BYTE_LIMIT_H
#define VIT_BYTE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "file.h"
#include "limit.h"

/* How files of pictures are read; max_bytes 0 is the usual limit. */
static inline vit__file_kind vit__picture_kind(uint64_t max_bytes)
{
    return (vit__file_kind){.most = max_bytes ? max_bytes : VIT__LIMIT_PICTURE_BYTES, .not_opened = "cannot be read"};
}

/* Where `function` puts bytes that the caller is to free: NULL and 0 until there are some. */
static inline vit_status vit__start_bytes(const char *function, void **bytes, size_t *size, vit_error *err)
{
    if (bytes)
        *bytes = NULL;
    if (size)
        *size = 0;
    return bytes && size ? VIT_OK : vit__fail_null(err, function, bytes ? "size" : "bytes");
}

#endif
