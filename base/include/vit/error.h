/* SPDX-License-Identifier: BSD-2-Clause */
/* How every library of the project reports what went wrong; the rules are in vit/vit.h, which includes this. */
#ifndef VIT_STATUS_H
#define VIT_STATUS_H

#include "vit/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbered for ever: a number is never reused or changed. */
typedef enum vit_status {
    VIT_OK = 0,
    VIT_ERR_INVALID_ARGUMENT = 1,   /* the call itself is wrong: NULL, zero, out of range */
    VIT_ERR_NOT_FOUND = 2,          /* no such file, folder or hub id */
    VIT_ERR_UNREADABLE = 3,         /* it exists but cannot be read (permission, not a regular file, I/O) */
    VIT_ERR_UNSUPPORTED_FORMAT = 4, /* not an image format this build reads */
    VIT_ERR_CORRUPT = 5,            /* the data breaks the rules of its format */
    VIT_ERR_TRUNCATED = 6,          /* the data ends too early */
    VIT_ERR_TOO_LARGE = 7,          /* past a limit on bytes or pixels, known before memory is taken */
    VIT_ERR_OUT_OF_MEMORY = 8,
    VIT_ERR_NON_FINITE = 9,          /* a result holds NaN or infinity */
    VIT_ERR_INTERNAL = 10,           /* a bug in libvit */
    VIT_ERR_UNSUPPORTED_MODEL = 11,  /* the checkpoint asks for a feature this build lacks; the message names it */
    VIT_ERR_MODEL_MISMATCH = 12,     /* config and tensors do not fit; the message names the tensor and both shapes */
    VIT_ERR_UNSUPPORTED_OUTPUT = 13, /* the model has no such output; the message lists those it has */
    VIT_ERR_CANCELLED = 14,          /* the caller ended it */
    VIT_ERR_UNWRITABLE = 15,         /* a file, an index or a sink cannot be written: no permission, no space, I/O */
    VIT_ERR_UNAVAILABLE = 16         /* a server does not answer, or must not be asked: offline */
} vit_status;

/* Lower-case name of a status as printed by the command: "ok", "corrupt", ... Static storage. */
VIT_API const char *vit_status_name(vit_status status);

/* Start with `vit_error err = {0};`. Strings are always terminated; long ones are cut. */
typedef struct vit_error {
    vit_status status;
    char message[512]; /* what is wrong and what to do */
    char where[512];   /* the file, tensor or option it is about; may be empty */
} vit_error;

/* Fills *err as printf would, unless err is NULL or already holds an error; returns status. For
 * code on top of libvit that reports errors the same way, as libvitio does. where may be NULL.
 * format may be NULL: the message is then the name of the status. */
VIT_API vit_status vit_error_set(vit_error *err, vit_status status, const char *where, const char *format, ...)
    VIT_PRINTF(4, 5);

#ifdef __cplusplus
}
#endif
#endif
