/* SPDX-License-Identifier: BSD-2-Clause */
/* A file mapped for reading. Such a file may be replaced by renaming another one over it. Whoever writes into it, or
 * cuts it short, changes what lies in memory: vit__mapped_file_check tells. A read behind the new end is SIGBUS, which
 * ends the process unless it has asked for sigbus.h. */
#ifndef VIT_MAPPED_FILE_H
#define VIT_MAPPED_FILE_H

#include <stddef.h>
#include <time.h>

#include "error.h"

struct vit__guarded;

typedef struct vit__mapped_file {
    void *data; /* read-only; NULL: the file is empty */
    size_t size;
    int descriptor;               /* open while the file is mapped, to look whether it is still as it was */
    struct timespec changed;      /* when it was last written, as it was mapped */
    struct vit__guarded *guarded; /* what sigbus.c knows about it */
} vit__mapped_file;

/* Regular files only. Not found, unreadable, out of memory. On failure *file is all zero. */
vit_status vit__mapped_file_open(const char *path, vit__mapped_file *file, vit_error *err);
void vit__mapped_file_close(vit__mapped_file *file);

/* Whether the bytes read until now were those of the file as it was opened. VIT_ERR_TRUNCATED: it was cut short, or the
 * disk could not give it any more. VIT_ERR_CORRUPT: it was written into. path stands in the message. It costs one
 * system call. */
vit_status vit__mapped_file_check(const vit__mapped_file *file, const char *path, vit_error *err);

/* Tells the system that these bytes will not be needed soon: their memory goes back, and
 * they are read again if touched. Only whole pages inside the range are given back. */
void vit__mapped_file_give_back(const void *data, size_t size);

#endif
