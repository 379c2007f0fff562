/* SPDX-License-Identifier: BSD-2-Clause */
#include "base64_text.h"

#include <nettle/base64.h>

void vit__base64_encode(const void *bytes, size_t size, char *text)
{
    base64_encode_raw(text, size, bytes);
}

size_t vit__base64_room(size_t size)
{
    return BASE64_DECODE_LENGTH(size);
}

bool vit__base64_decode(const char *text, size_t size, void *bytes, size_t *n)
{
    struct base64_decode_ctx context;
    *n = vit__base64_room(size);
    base64_decode_init(&context);
    return base64_decode_update(&context, n, bytes, size, text) && base64_decode_final(&context);
}
