/* SPDX-License-Identifier: BSD-2-Clause */
/* The digests by which the hub names contents, piece by piece: SHA-256 of the bytes, or what git has as the name of a
 * blob, SHA-1 of "blob SIZE", a NUL and the bytes. */
#ifndef VIT_HUB_DIGEST_H
#define VIT_HUB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sha256.h"

#define VIT__SHA256_DIGITS 64
#define VIT__GIT_DIGITS 40
#define VIT__DIGEST_ROOM (VIT__SHA256_DIGITS + 1)

typedef struct vit__digest {
    char wanted[VIT__DIGEST_ROOM]; /* its length says which of the two it is */
    uint64_t size;                 /* of the whole content */
    vit__sha256_state sha256;
    uint64_t sha1[16]; /* private: Nettle's state */
} vit__digest;

/* Is it the text of one of the two? */
bool vit__is_digest(const char *text);

/* wanted: for which vit__is_digest holds. */
void vit__digest_start(vit__digest *digest, const char *wanted, uint64_t size);
void vit__digest_add(vit__digest *digest, const void *bytes, size_t size);
/* Are the bytes that were added those that are wanted? The digest is to be started anew then. */
bool vit__digest_agrees(vit__digest *digest);

#endif
