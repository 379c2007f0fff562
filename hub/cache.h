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
    int root, folder; /* descriptors of the cache's folder and of the repository's; -1: there is no such folder */
    int blobs;        /* descriptor of the repository's folder "blobs"; -1: there is no such folder */
    bool links;       /* snapshots get links, not copies */
    uint64_t needed;  /* bytes that are to be written, for messages */
} vit__cache;

/* Opens the folder of a repository, "org/name", in the cache at `path`. needed: how many bytes the caller will write,
 * for messages; the folders that are missing are made. With needed 0 the caller writes nothing: folders may be missing,
 * and every file in them is then absent. The caller closes *cache with vit__cache_close; after a failure nothing is
 * open. Errors: unwritable, unreadable, corrupt. */
vit_status vit__cache_open(const char *path, const char *id, bool links, uint64_t needed, vit__cache *cache,
                           vit_error *err);
void vit__cache_close(vit__cache *cache);

/* Can this ETag be the name of a blob's file: 1 to 128 letters, digits, '-' and '_'? */
bool vit__is_etag(const char *text);

/* Opens a blob for reading. *descriptor: the caller closes it; -1: there is no such blob. *size: its bytes. */
vit_status vit__cache_open_blob(const vit__cache *cache, const char *etag, int *descriptor, uint64_t *size,
                                vit_error *err);
/* Opens a file of a snapshot for reading, through the file's link. etag, of VIT__ETAG_MAX + 1 bytes, gets the name of
 * the blob that the link leads to; "" for a copy, and where the file is absent. A file whose link leads to a missing
 * blob counts as absent: *descriptor is -1. */
vit_status vit__cache_open_file(const vit__cache *cache, const char *commit, const char *file, char *etag,
                                int *descriptor, uint64_t *size, vit_error *err);

/* Waits until this process alone holds the lock of this name. The caller lets the lock go by closing *lock. go_on is
 * called several times a second during the wait; its answer false ends the wait with VIT_ERR_CANCELLED. go_on may be
 * NULL. */
vit_status vit__cache_lock(const vit__cache *cache, const char *name, bool (*go_on)(void *), void *data, int *lock,
                           vit_error *err);

typedef struct vit__blob {
    const char *etag;
    bool fresh; /* this run has fetched the blob; false: it was in the cache */
} vit__blob;

/* Makes the file of the snapshot: a link to the blob, or a copy of the blob where cache->links is false. A link that
 * leads to this blob already stays. The caller holds the lock of the blob's etag. */
vit_status vit__cache_place(const vit__cache *cache, const char *commit, const char *file, const vit__blob *blob,
                            vit_error *err);
/* Removes a blob. Where the blob is a link into the shared store, the link is removed and the store stays. */
vit_status vit__cache_drop_blob(const vit__cache *cache, const char *etag, vit_error *err);
/* Removes a file of a snapshot, and no blob. */
vit_status vit__cache_drop_file(const vit__cache *cache, const char *commit, const char *file, vit_error *err);

/* Writes the commit into refs/REVISION. The caller holds the lock whose name is the commit. */
vit_status vit__cache_refer(const vit__cache *cache, const char *revision, const char *commit, vit_error *err);

/* Does refs/REVISION name this commit already? Also true where the revision is the commit itself, which needs no
 * reference. */
bool vit__cache_refers(const vit__cache *cache, const char *revision, const char *commit);

/* Free bytes, for this user, of the disk on which the cache is or will be. UINT64_MAX: the system does not say. */
uint64_t vit__cache_space(const vit__cache *cache);

/* VIT_ERR_UNWRITABLE for an errno of a system call that writes, or VIT_ERR_CORRUPT where a link stands in the way.
 * name: below the repository's folder. */
vit_status vit__cache_fail(const vit__cache *cache, const char *name, int number, vit_error *err);

#endif
