/* SPDX-License-Identifier: BSD-2-Clause */
#include "digest.h"

#include <inttypes.h>
#include <nettle/sha1.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "hub_id.h"

_Static_assert(sizeof(struct sha1_ctx) <= sizeof((vit__digest *)0)->sha1 &&
                   alignof(struct sha1_ctx) <= alignof(uint64_t),
               "the state holds Nettle's");

static struct sha1_ctx *sha1_of(vit__digest *digest)
{
    return (struct sha1_ctx *)(void *)digest->sha1;
}

static bool is_git(const vit__digest *digest)
{
    return strlen(digest->wanted) == VIT__GIT_DIGITS;
}

bool vit__is_digest(const char *text)
{
    return vit__is_hex(text, VIT__SHA256_DIGITS) || vit__is_hex(text, VIT__GIT_DIGITS);
}

void vit__digest_start(vit__digest *digest, const char *wanted, uint64_t size)
{
    char head[32];
    *digest = (vit__digest){.size = size};
    snprintf(digest->wanted, sizeof digest->wanted, "%s", wanted);
    vit__sha256_start(&digest->sha256);
    if (!is_git(digest))
        return;
    int length = snprintf(head, sizeof head, "blob %" PRIu64, size);
    sha1_init(sha1_of(digest));
    sha1_update(sha1_of(digest), (size_t)length + 1, (const uint8_t *)head); /* with its NUL */
}

void vit__digest_add(vit__digest *digest, const void *bytes, size_t size)
{
    if (is_git(digest))
        sha1_update(sha1_of(digest), size, bytes);
    else
        vit__sha256_add(&digest->sha256, bytes, size);
}

bool vit__digest_agrees(vit__digest *digest)
{
    char hex[VIT__DIGEST_ROOM];
    uint8_t bytes[SHA1_DIGEST_SIZE];
    if (!is_git(digest)) {
        vit__sha256_finish(&digest->sha256, hex);
        return strcmp(hex, digest->wanted) == 0;
    }
    sha1_digest(sha1_of(digest), sizeof bytes, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return strcmp(hex, digest->wanted) == 0;
}
