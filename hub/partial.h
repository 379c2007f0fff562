/* SPDX-License-Identifier: BSD-2-Clause */
/* A blob on its way: blobs/ETAG.vit.incomplete, which stays after a failure or a kill, and which the next run goes on
 * with. Its digest is computed while it is written; what an earlier run wrote is read again. Who has one open holds the
 * lock of the etag. */
#ifndef VIT_PARTIAL_H
#define VIT_PARTIAL_H

#include "cache.h"
#include "digest.h"

typedef struct vit__partial {
    const vit__cache *cache;
    const char *etag;
    char name[VIT__ETAG_MAX + 24];
    int file;
    uint64_t size, whole; /* bytes that are there; of the content when it is complete */
    vit__digest digest;
} vit__partial;

/* digest: of the whole content. On failure nothing is open. */
vit_status vit__partial_open(const vit__cache *cache, const char *etag, const char *digest, uint64_t whole,
                             vit__partial *partial, vit_error *err);
/* VIT_ERR_UNWRITABLE: the message says how many bytes are needed, how many are free, and that the file stays. */
vit_status vit__partial_add(vit__partial *partial, const void *bytes, size_t size, vit_error *err);
/* Empties it. */
vit_status vit__partial_restart(vit__partial *partial, vit_error *err);
/* Is it complete, and are its bytes those of the digest? To be asked once. */
bool vit__partial_is_right(vit__partial *partial);
/* It becomes the blob, by a rename, when its bytes are on the disk. */
vit_status vit__partial_finish(vit__partial *partial, vit_error *err);
/* Closes it; one without a byte goes away. */
void vit__partial_close(vit__partial *partial);

/* Bytes that an earlier run has left of the blob. */
uint64_t vit__partial_left(const vit__cache *cache, const char *etag);

#endif
