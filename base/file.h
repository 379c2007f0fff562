/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, whole and in parts, into memory. Nothing here waits: a pipe, a device or a folder in the place of a file is
 * refused at once, and the program that writes into the pipe does not notice. */
#ifndef VIT_FILE_H
#define VIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"

/* What a file is read as: a limit, and words for the messages. */
typedef struct vit__file_kind {
    /* Bytes. vit__file_open does not look at it. */
    uint64_t most;
    /* What stands before the limit in the message of a file that is too large: "a JSON file of more
     * than". NULL: "more than the limit of". */
    const char *above;
    /* What stands before the reason in the message of a file that does not open: "cannot be read".
     * NULL: "cannot open". */
    const char *not_opened;
} vit__file_kind;

/* Opens a regular file for reading; the caller closes *descriptor. *size is what the file system
 * says, which may be wrong: a file of /proc has 0 bytes. Errors: not found, unreadable (what is not
 * a regular file is), out of memory. */
vit_status vit__file_open(const char *path, const vit__file_kind *kind, int *descriptor, uint64_t *size,
                          vit_error *err);

/* Reads a regular file to its end into *content, whose old bytes are not freed. The limit is checked
 * before memory is taken, and again as the bytes come. On success the caller frees *content; on
 * failure it is all zero. Errors: those of vit__file_open, too large. */
vit_status vit__file_read(const char *path, const vit__file_kind *kind, vit__buffer *content, vit_error *err);

/* Reads the rest of an open descriptor in the same way; it may be a pipe or a device. name stands in messages and may
 * be NULL. */
vit_status vit__descriptor_read(int descriptor, const char *name, const vit__file_kind *kind, vit__buffer *content,
                                vit_error *err);

/* Reads `size` bytes that stand in the file from `offset` on. false: the file ends before, or cannot be read (errno;
 * 0: it ends). Any number of threads may read from one descriptor. */
bool vit__file_read_at(int descriptor, uint64_t offset, void *bytes, size_t size);

/* VIT_ERR_TOO_LARGE, in the words of the kind. */
vit_status vit__fail_too_large(vit_error *err, const char *name, const vit__file_kind *kind);

#endif
