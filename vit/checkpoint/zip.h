/* SPDX-License-Identifier: BSD-2-Clause */
/* The members of a zip archive in memory that are stored as they are, which is how torch.save writes them. */
#ifndef VIT_ZIP_H
#define VIT_ZIP_H

#include <stddef.h>

#include "vit/vit.h"

typedef struct vit__zip_member {
    const char *name; /* inside the archive, not terminated */
    size_t name_size;
    const char *data;
    size_t size;
} vit__zip_member;

typedef struct vit__zip {
    vit__zip_member *members; /* sorted by name */
    size_t n;
} vit__zip;

/* Reads the directory, also that of zip64, and checks that every member lies inside the archive. A member that is
 * compressed or encrypted is refused by name. Freed with vit__zip_free; on failure *zip is all zero. */
vit_status vit__zip_open(const void *bytes, size_t size, const char *where, vit__zip *zip, vit_error *err);
void vit__zip_free(vit__zip *zip);

/* NULL: there is no such member. */
const vit__zip_member *vit__zip_find(const vit__zip *zip, const char *name, size_t size);

#endif
