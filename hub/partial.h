/* SPDX-License-Identifier: BSD-2-Clause */
/* A blob that is being fetched: the file blobs/ETAG.vit.incomplete. The file stays after a failure or a kill, and the
 * next run appends to it. The digest is computed while bytes are written; the bytes that an earlier run wrote are read
 * once more for it. Whoever has a partial file open holds the lock of its etag. */
#ifndef VIT_PARTIAL_H
#define VIT_PARTIAL_H

#include "cache.h"
#include "digest.h"

typedef struct vit__partial {
    const vit__cache *cache;
    const char *etag;
    char name[VIT__ETAG_MAX + 24];
    int file;
    uint64_t size, whole; /* bytes that the file has, and bytes that the complete content will have */
    vit__digest digest;
} vit__partial;

/* Opens the partial file of a blob, or makes an empty one. digest and whole: those of the complete content. On failure
 * nothing is open. */
vit_status vit__partial_open(const vit__cache *cache, const char *etag, const char *digest, uint64_t whole,
                             vit__partial *partial, vit_error *err);
/* Appends bytes. VIT_ERR_UNWRITABLE: the message says how many bytes are needed, how many the disk has left, and that
 * the partial file stays. */
vit_status vit__partial_add(vit__partial *partial, const void *bytes, size_t size, vit_error *err);
/* Cuts the file to 0 bytes. */
vit_status vit__partial_restart(vit__partial *partial, vit_error *err);
/* Has the file all of its bytes, and do they have the digest? Asked once, after the last byte. */
bool vit__partial_is_right(vit__partial *partial);
/* Waits until the bytes are on the disk, and renames the file to blobs/ETAG. */
vit_status vit__partial_finish(vit__partial *partial, vit_error *err);
/* Closes the file. A file without a byte is removed. */
void vit__partial_close(vit__partial *partial);

/* How many bytes of the blob an earlier run has left in a partial file. 0: there is none. */
uint64_t vit__partial_left(const vit__cache *cache, const char *etag);

#endif
