/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole files into memory. Nothing here waits for what is not a plain file: a pipe, a device or a folder in its place
 * is refused at once, and who writes to the pipe does not notice. */
#ifndef VIT_FILE_H
#define VIT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"

/* What a file is read as: a limit, and words for the messages. */
typedef struct vit__file_kind {
    uint64_t most;          /* bytes; vit__file_open does not look at it */
    const char *above;      /* "a JSON file of more than": the limit follows; NULL: "more than the limit of" */
    const char *not_opened; /* "cannot be read": the reason follows; NULL: "cannot open" */
} vit__file_kind;

/* Opens a regular file for reading; the caller closes *descriptor. *size is what the file system says, which may be
 * wrong: a file of /proc has 0 bytes. Not found, unreadable (not a regular file is), out of memory. */
vit_status vit__file_open(const char *path, const vit__file_kind *kind, int *descriptor, uint64_t *size,
                          vit_error *err);

/* Reads a regular file to its end into *content, whatever that held before. The limit is checked before memory is
 * taken, and again as the bytes come. On success the caller frees *content; on failure it is all zero. Errors: those
 * of vit__file_open, too large. */
vit_status vit__file_read(const char *path, const vit__file_kind *kind, vit__buffer *content, vit_error *err);

/* The same of the rest of an open descriptor, whatever it is. name is for messages and may be NULL. */
vit_status vit__descriptor_read(int descriptor, const char *name, const vit__file_kind *kind, vit__buffer *content,
                                vit_error *err);

/* VIT_ERR_TOO_LARGE, in the words of the kind. */
vit_status vit__fail_too_large(vit_error *err, const char *name, const vit__file_kind *kind);

#endif
