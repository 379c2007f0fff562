/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 of bytes as they come. Nettle is behind this file. */
#ifndef CLI_DIGEST_H
#define CLI_DIGEST_H

#include <stddef.h>

#define CLI_DIGEST_HEX 65 /* 64 lower-case digits and a NUL */

typedef struct cli_digest cli_digest;

cli_digest *cli_digest_start(void);
void cli_digest_add(cli_digest *digest, const void *bytes, size_t size);
/* Of what was added so far; more may be added afterwards. */
void cli_digest_hex(const cli_digest *digest, char hex[CLI_DIGEST_HEX]);
void cli_digest_free(cli_digest *digest);

#endif
