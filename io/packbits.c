/* SPDX-License-Identifier: BSD-2-Clause */
#include "packbits.h"

#include <string.h>

#include "size.h"

bool vit__packbits(const uint8_t *bytes, size_t size, uint8_t *to, size_t wanted)
{
    const uint8_t *end = bytes + size;
    while (wanted > 0 && end - bytes >= 2) {
        const unsigned n = *bytes++;
        if (n == 128)
            continue;
        const bool literal = n < 128;
        const size_t count = literal ? n + 1 : 257 - n, put = vit__smaller(count, wanted);
        if (literal && (size_t)(end - bytes) < put)
            return false;
        if (literal)
            memcpy(to, bytes, put);
        else
            memset(to, *bytes, put);
        bytes += literal ? put : 1;
        to += put;
        wanted -= put;
    }
    return wanted == 0;
}
