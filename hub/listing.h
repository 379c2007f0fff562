/* SPDX-License-Identifier: BSD-2-Clause */
/* The hub's list of the files of one commit, read from its JSON. Nothing in it is trusted: a name that could lead out
 * of its folder, a commit or a digest that is none, a file that is listed twice make the whole list an error. */
#ifndef VIT_LISTING_H
#define VIT_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"
#include "hub_id.h"
#include "limit.h"
#include "vit/error.h"

typedef struct vit__listed {
    char *name;    /* "unet/config.json" */
    bool has_size; /* mirrors may leave it out */
    uint64_t size;
    char digest[VIT__DIGEST_ROOM]; /* SHA-256 of a file in LFS, git's SHA-1 of any other; "": the list has none */
} vit__listed;

typedef struct vit__listing {
    char commit[VIT__HUB_COMMIT + 1];
    vit__listed *files; /* [n], in the order of their names */
    size_t n;
} vit__listing;

/* Reads the JSON of a list. where: for messages. On success the caller frees *listing with vit__listing_free; on
 * failure *listing is all zero. */
vit_status vit__listing_read(const char *json, size_t size, const char *where, vit__listing *listing, vit_error *err);
void vit__listing_free(vit__listing *listing);

/* The files of a folder, and of the folders in it, but not of those further below: what a snapshot in the cache has.
 * Names that are not safe are passed over, and so are links to folders and links to nothing. Sizes and digests are not
 * filled. The caller frees *listing with vit__listing_free; on failure *listing is all zero. */
vit_status vit__listing_of_folder(const char *folder, vit__listing *listing, vit_error *err);

const vit__listed *vit__listing_find(const vit__listing *listing, const char *name); /* NULL: it is not listed */

/* May a file of this name be made below a folder: no part of it is "", "." or "..", longer than 255 bytes, or has a
 * backslash or a control character, and it does not begin with a slash? */
bool vit__is_safe_name(const char *name);

#endif
