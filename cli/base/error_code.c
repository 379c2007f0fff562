/* SPDX-License-Identifier: BSD-2-Clause */
#include "error_code.h"

const char *cli_error_code(vit_status status)
{
    switch (status) {
    case VIT_ERR_NOT_FOUND:
    case VIT_ERR_UNREADABLE:
    case VIT_ERR_UNSUPPORTED_FORMAT:
    case VIT_ERR_CORRUPT:
    case VIT_ERR_TRUNCATED:
    case VIT_ERR_TOO_LARGE:
    case VIT_ERR_OUT_OF_MEMORY:
    case VIT_ERR_NON_FINITE:
        return vit_status_name(status);
    case VIT_ERR_INVALID_ARGUMENT: /* a picture that the preprocessing or the model cannot take, such as a wrong size */
        return vit_status_name(VIT_ERR_UNSUPPORTED_FORMAT);
    default:
        return vit_status_name(VIT_ERR_INTERNAL);
    }
}
