/* SPDX-License-Identifier: BSD-2-Clause */
/* How errors are made inside of the libraries. vit_error_set is the public name of vit__fail. */
#ifndef VIT_ERROR_H
#define VIT_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "vit/error.h"

/* Fills *err as printf would, unless err is NULL or already holds an error; returns status. where may be NULL. */
vit_status vit__fail(vit_error *err, vit_status status, const char *where, const char *format, ...) VIT_PRINTF(4, 5);
vit_status vit__fail_list(vit_error *err, vit_status status, const char *where, const char *format, va_list arguments)
    VIT_PRINTF(4, 0);

/* VIT_ERR_OUT_OF_MEMORY with the usual words. */
vit_status vit__fail_memory(vit_error *err, const char *where);

/* The error of an errno: not_found, out_of_memory, or else unreadable. Its message is "WORDS: REASON", such as "cannot
 * open: Permission denied"; that of out_of_memory has the usual words. */
vit_status vit__fail_errno(vit_error *err, const char *where, const char *words, int number);

/* VIT_ERR_INVALID_ARGUMENT for a public function that got NULL: where is "vit_encode", message is "session is NULL". */
vit_status vit__fail_null(vit_error *err, const char *function, const char *argument);

/* VIT_OK if all n numbers in the member `reserved` of a public struct are zero; else VIT_ERR_INVALID_ARGUMENT for this
 * function. It finds structs that were never set to zero, and structs of a later version. */
vit_status vit__check_reserved(vit_error *err, const char *function, const uint64_t *reserved, size_t n);
#define VIT__CHECK_RESERVED(err, function, options)                                                                    \
    vit__check_reserved(err, function, (options)->reserved, sizeof(options)->reserved / sizeof *(options)->reserved)

#endif
