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
    char wanted[VIT__DIGEST_ROOM]; /* 64 digits: SHA-256; 40 digits: git's */
    uint64_t size;                 /* bytes of the whole content */
    vit__sha256_state sha256;
    uint64_t sha1[16]; /* private: Nettle's state */
} vit__digest;

/* Are these the 64 digits of a SHA-256, or the 40 of a name of git's? */
bool vit__is_digest(const char *text);

/* Begins with no bytes. wanted: what the digest of all bytes should be; vit__is_digest holds for it. size: how many
 * bytes there will be. */
void vit__digest_start(vit__digest *digest, const char *wanted, uint64_t size);
void vit__digest_add(vit__digest *digest, const void *bytes, size_t size);
/* Do the bytes that were added have the wanted digest? Ends the computation: vit__digest_start begins the next. */
bool vit__digest_agrees(vit__digest *digest);

#endif
