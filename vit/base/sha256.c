/* SPDX-License-Identifier: BSD-2-Clause */
#include "sha256.h"

#include <nettle/sha2.h>
#include <stdio.h>

void vit__sha256(const void *bytes, size_t size, char hex[65])
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
