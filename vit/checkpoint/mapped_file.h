/* SPDX-License-Identifier: BSD-2-Clause */
/* A file mapped for reading. Whoever shortens the file meanwhile ends the program (SIGBUS): replace files, do not
 * rewrite them. */
#ifndef VIT_MAPPED_FILE_H
#define VIT_MAPPED_FILE_H

#include <stddef.h>

#include "vit/vit.h"

typedef struct vit__mapped_file {
    void *data; /* read-only */
    size_t size;
} vit__mapped_file;

/* Regular files only. Not found, unreadable, out of memory. On failure *file is all zero. */
vit_status vit__mapped_file_open(const char *path, vit__mapped_file *file, vit_error *err);
void vit__mapped_file_close(vit__mapped_file *file);

/* Tells the system that these bytes will not be needed soon: their memory goes back, and
 * they are read again if touched. Only whole pages inside the range are given back. */
void vit__mapped_file_give_back(const void *data, size_t size);

#endif
