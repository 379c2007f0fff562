/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 by Nettle, behind one file. */
#ifndef VIT_SHA256_H
#define VIT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define VIT__SHA256_HEX 65 /* 64 lower-case digits and a NUL, which hex gets */

void vit__sha256(const void *bytes, size_t size, char hex[VIT__SHA256_HEX]);

/* The same piece by piece. The state needs no clean-up. */
typedef struct vit__sha256_state {
    uint64_t opaque[16];
} vit__sha256_state;

void vit__sha256_start(vit__sha256_state *state);
void vit__sha256_add(vit__sha256_state *state, const void *bytes, size_t size);
void vit__sha256_finish(vit__sha256_state *state, char hex[VIT__SHA256_HEX]);
/* The digest of the bytes that were added so far. More may be added afterwards. */
void vit__sha256_so_far(const vit__sha256_state *state, char hex[VIT__SHA256_HEX]);

#endif
