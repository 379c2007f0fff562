/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of vit.h that are about no model: version, errors, memory. */
#include <stdarg.h>
#include <stdlib.h>

#include "error.h"
#include "sigbus.h"
#include "vit/vit.h"

#define VIT_WORD(number) #number
#define VIT_TEXT(macro) VIT_WORD(macro)

const char *vit_version(void)
{
    return VIT_TEXT(VIT_VERSION_MAJOR) "." VIT_TEXT(VIT_VERSION_MINOR) "." VIT_TEXT(VIT_VERSION_PATCH);
}

static const char *const status_names[] = {
    [VIT_OK] = "ok",
    [VIT_ERR_INVALID_ARGUMENT] = "invalid_argument",
    [VIT_ERR_NOT_FOUND] = "not_found",
    [VIT_ERR_UNREADABLE] = "unreadable",
    [VIT_ERR_UNSUPPORTED_FORMAT] = "unsupported_format",
    [VIT_ERR_CORRUPT] = "corrupt",
    [VIT_ERR_TRUNCATED] = "truncated",
    [VIT_ERR_TOO_LARGE] = "too_large",
    [VIT_ERR_OUT_OF_MEMORY] = "out_of_memory",
    [VIT_ERR_NON_FINITE] = "non_finite",
    [VIT_ERR_INTERNAL] = "internal",
    [VIT_ERR_UNSUPPORTED_MODEL] = "unsupported_model",
    [VIT_ERR_MODEL_MISMATCH] = "model_mismatch",
    [VIT_ERR_UNSUPPORTED_OUTPUT] = "unsupported_output",
    [VIT_ERR_CANCELLED] = "cancelled",
    [VIT_ERR_UNWRITABLE] = "unwritable",
    [VIT_ERR_UNAVAILABLE] = "unavailable",
};

const char *vit_status_name(vit_status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_names / sizeof *status_names ? status_names[index] : "unknown";
}

vit_status vit_error_set(vit_error *err, vit_status status, const char *where, const char *format, ...)
{
    if (!format)
        return vit__fail(err, status, where, "%s", vit_status_name(status));
    va_list arguments;
    va_start(arguments, format);
    vit__fail_list(err, status, where, format, arguments);
    va_end(arguments);
    return status;
}

vit_status vit_catch_sigbus(vit_error *err)
{
    return vit__sigbus_catch(err);
}

void vit_free(void *pointer)
{
    free(pointer);
}
