/* SPDX-License-Identifier: BSD-2-Clause */
#include "sha256.h"

#include <nettle/sha2.h>
#include <stdalign.h>
#include <stdio.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(vit__sha256_state) &&
                   alignof(struct sha256_ctx) <= alignof(vit__sha256_state),
               "the state holds Nettle's");

static struct sha256_ctx *unwrap(vit__sha256_state *state)
{
    return (struct sha256_ctx *)(void *)state;
}

void vit__sha256_start(vit__sha256_state *state)
{
    sha256_init(unwrap(state));
}

void vit__sha256_add(vit__sha256_state *state, const void *bytes, size_t size)
{
    sha256_update(unwrap(state), size, bytes);
}

void vit__sha256_finish(vit__sha256_state *state, char hex[VIT__SHA256_HEX])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(unwrap(state), sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void vit__sha256_so_far(const vit__sha256_state *state, char hex[VIT__SHA256_HEX])
{
    vit__sha256_state copy = *state; /* asking for the digest ends a state */
    vit__sha256_finish(&copy, hex);
}

void vit__sha256(const void *bytes, size_t size, char hex[VIT__SHA256_HEX])
{
    vit__sha256_state state;
    vit__sha256_start(&state);
    vit__sha256_add(&state, bytes, size);
    vit__sha256_finish(&state, hex);
}
