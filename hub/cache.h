/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layout of huggingface_hub's cache, for writing (base/hub_cache.h has where it is, and how a name is looked up):
 *
 *     CACHE/CACHEDIR.TAG
 *     CACHE/.locks/models--ORG--NAME/ETAG.lock              flock(2), never removed
 *     CACHE/models--ORG--NAME/blobs/ETAG                    a content; or a link into CACHE/blobs/XX/HASH, the store
 *                                                           that repositories share: it is read, never written
 *     CACHE/models--ORG--NAME/snapshots/COMMIT/a/FILE       a link to ../../../blobs/ETAG; or a copy
 *     CACHE/models--ORG--NAME/refs/main                     40 digits and nothing else
 *
 * Below the folder of the repository nothing is reached through a link: a link that is not one of these is an error.
 */
#ifndef VIT_CACHE_H
#define VIT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "hub_id.h"
#include "vit/error.h"

#define VIT__ETAG_MAX 128

typedef struct vit__cache {
    char *path;       /* of the repository, for messages and for the result */
    char *name;       /* "models--ORG--NAME" */
    int root, folder; /* descriptors of the cache and of the repository; -1: it is not there */
    int blobs;
    bool links;      /* snapshots get links, not copies */
    uint64_t needed; /* bytes that are to be written, for messages */
} vit__cache;

/* Opens the repository of the id. needed: the bytes that are to be written, for messages; the folders that are
 * missing are made. 0: nothing is to be written, they may be missing, and then everything is absent. Closed with
 * vit__cache_close; on failure *cache is closed. Errors: unwritable, unreadable, corrupt. */
vit_status vit__cache_open(const char *path, const char *id, bool links, uint64_t needed, vit__cache *cache,
                           vit_error *err);
void vit__cache_close(vit__cache *cache);

/* Is it safe as the name of a blob: 1 to 128 letters, digits, '-' and '_'? */
bool vit__is_etag(const char *text);

/* *descriptor = the content of the blob, for reading, whose size is *size; -1: it is not there. */
vit_status vit__cache_open_blob(const vit__cache *cache, const char *etag, int *descriptor, uint64_t *size,
                                vit_error *err);
/* The same of a file of a snapshot, through its link. etag, of VIT__ETAG_MAX + 1 bytes: the blob that it links to;
 * "": it is a copy, or not there. A link whose blob is not there is not there either. */
vit_status vit__cache_open_file(const vit__cache *cache, const char *commit, const char *file, char *etag,
                                int *descriptor, uint64_t *size, vit_error *err);

/* Waits until this process alone holds the lock of the name; *lock is to be closed. go_on: called while it waits;
 * false: VIT_ERR_CANCELLED. May be NULL. */
vit_status vit__cache_lock(const vit__cache *cache, const char *name, bool (*go_on)(void *), void *data, int *lock,
                           vit_error *err);

typedef struct vit__blob {
    const char *etag;
    bool fresh; /* this run has made it */
} vit__blob;

/* The file of the snapshot becomes a link to the blob, or gets its content; a link that is right stays. The caller
 * holds the lock of the etag. */
vit_status vit__cache_place(const vit__cache *cache, const char *commit, const char *file, const vit__blob *blob,
                            vit_error *err);
/* Removes the blob (of a link into the shared store, the link), or the file of a snapshot. */
vit_status vit__cache_drop_blob(const vit__cache *cache, const char *etag, vit_error *err);
vit_status vit__cache_drop_file(const vit__cache *cache, const char *commit, const char *file, vit_error *err);

/* refs/REVISION says the commit. The caller holds the lock of the commit. */
vit_status vit__cache_refer(const vit__cache *cache, const char *revision, const char *commit, vit_error *err);

/* Does refs/REVISION say the commit already? A revision that is the commit needs no reference. */
bool vit__cache_refers(const vit__cache *cache, const char *revision, const char *commit);

/* Bytes that the disk has left for this user, also where the cache is not made yet; UINT64_MAX: it does not say. */
uint64_t vit__cache_space(const vit__cache *cache);

/* VIT_ERR_UNWRITABLE for an errno of a system call that writes, or VIT_ERR_CORRUPT where a link stands in the way.
 * name: below the repository's folder. */
vit_status vit__cache_fail(const vit__cache *cache, const char *name, int number, vit_error *err);

#endif
