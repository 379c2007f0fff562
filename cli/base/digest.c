/* SPDX-License-Identifier: BSD-2-Clause */
#include "digest.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

struct cli_digest {
    struct sha256_ctx context;
};

cli_digest *cli_digest_start(void)
{
    cli_digest *digest = cli_allocate(1, sizeof *digest);
    sha256_init(&digest->context);
    return digest;
}

void cli_digest_add(cli_digest *digest, const void *bytes, size_t size)
{
    sha256_update(&digest->context, size, bytes);
}

void cli_digest_hex(const cli_digest *digest, char hex[CLI_DIGEST_HEX])
{
    struct sha256_ctx context = digest->context; /* asking for the digest ends a context */
    unsigned char bytes[SHA256_DIGEST_SIZE];
    sha256_digest(&context, sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void cli_digest_free(cli_digest *digest)
{
    free(digest);
}
