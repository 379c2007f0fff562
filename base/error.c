/* SPDX-License-Identifier: BSD-2-Clause */
#include "error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

vit_status vit__fail_list(vit_error *err, vit_status status, const char *where, const char *format, va_list arguments)
{
    if (!err || err->status != VIT_OK)
        return status;
    err->status = status;
    snprintf(err->where, sizeof err->where, "%s", where ? where : "");
    vsnprintf(err->message, sizeof err->message, format, arguments);
    return status;
}

vit_status vit__fail(vit_error *err, vit_status status, const char *where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vit__fail_list(err, status, where, format, arguments);
    va_end(arguments);
    return status;
}

vit_status vit__fail_memory(vit_error *err, const char *where)
{
    return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, where, "out of memory");
}

vit_status vit__fail_errno(vit_error *err, const char *where, const char *words, int number)
{
    if (number == ENOMEM)
        return vit__fail_memory(err, where);
    char text[128];
    /* GNU's strerror_r; strerror is not for threads */
    const char *reason = strerror_r(number, text, sizeof text);
    bool absent = number == ENOENT || number == ENOTDIR;
    return vit__fail(err, absent ? VIT_ERR_NOT_FOUND : VIT_ERR_UNREADABLE, where, "%s: %s", words, reason);
}

vit_status vit__check_reserved(vit_error *err, const char *function, const uint64_t *reserved, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (reserved[i])
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function,
                             "reserved is not zero: start with a struct that is all zero, as in '= {0}'");
    return VIT_OK;
}

vit_status vit__fail_null(vit_error *err, const char *function, const char *argument)
{
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "%s is NULL", argument);
}
